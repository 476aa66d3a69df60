// How far an import is, for whoever waits for it.

export interface ImportProgress {
  /** Rows of the source that are done, and how many there are. */
  readonly done: number;
  readonly all: number;
}
