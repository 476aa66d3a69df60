// What connecting may have to ask a person. capture/ answers with the editor's dialogs, tests with fixed answers.
// `undefined` always means that the person walked away: the connection ends as cancelled.

interface HostKeyQuestion {
  readonly host: string;
  readonly port: number;
  readonly keyType: string;
  /** SHA256:..., as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** Something else that a person should know before trusting; a sentence. */
  readonly remark: string | undefined;
}

export interface Prompts {
  /** `once` for this connection, `remember` for the next ones too. */
  trustHostKey(question: HostKeyQuestion): Promise<'once' | 'remember' | undefined>;
  passphrase(question: { readonly keyFile: string; readonly again: boolean }): Promise<string | undefined>;
  password(question: {
    readonly user: string;
    readonly host: string;
    readonly again: boolean;
  }): Promise<string | undefined>;
  /** Keyboard-interactive: the server's own questions, in its words. As many answers as questions. */
  answers(question: {
    readonly host: string;
    readonly instructions: string;
    readonly prompts: readonly { readonly prompt: string; readonly echo: boolean }[];
  }): Promise<readonly string[] | undefined>;
  sudoPassword(question: {
    readonly user: string;
    readonly host: string;
    readonly again: boolean;
  }): Promise<string | undefined>;
}
