// What the commands of this room are given by activate().

import type * as vscode from 'vscode';
import type { Folder } from './folder.ts';
import type { TraceRegistry } from './registry.ts';

export interface CaptureServices {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly registry: TraceRegistry;
  /** Where traces are kept, now. */
  captureDirectory(): Folder;
  open(file: string): Promise<void>;
}
