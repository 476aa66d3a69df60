// Where a thread was while it ran, by CPU samples: the function a person would look for, counted.

import type { RowRef } from '../api.ts';
import type { StackSite } from '../columns/details.ts';
import type { Columns } from '../columns/index.ts';
import { samplesIn } from '../columns/samples.ts';
import { counted } from './words.ts';

export interface Sampled {
  readonly function: string;
  readonly samples: number;
}

export interface Found {
  /** Of the samples that carried a stack: most first, a few at most, the others summed as ELSEWHERE. */
  readonly functions: readonly Sampled[];
  readonly rows: readonly RowRef[];
}

const ELSEWHERE = 'elsewhere';
const MOST_FUNCTIONS = 3;
const MOST_ROWS = 16;
/** Samples looked at in one stretch; at 999 a second, four seconds of it. */
const MOST_SAMPLES = 4096;

export function sampledIn(columns: Columns, thread: number, startNs: number, endNs: number): Found {
  const { samples } = columns.evidence;
  if (samples.rows === 0) return { functions: [], rows: [] };
  const sums = new Map<string, number>();
  const rows: RowRef[] = [];
  for (const row of samplesIn(samples, thread, startNs, endNs).subarray(0, MOST_SAMPLES)) {
    if (rows.length < MOST_ROWS) rows.push({ table: 'cpu_sample', id: samples.id[row] ?? -1 });
    const user = columns.details.stack(samples.stack[row] ?? -1);
    const kernel = columns.details.stack(samples.kernelStack[row] ?? -1);
    const name = placeOf(user, kernel);
    if (name === undefined) continue;
    sums.set(name, (sums.get(name) ?? 0) + 1);
  }
  const all = [...sums].map(([name, count]) => ({ function: name, samples: count })).sort(byCount);
  const rest = all.slice(MOST_FUNCTIONS).reduce((sum, { samples: count }) => sum + count, 0);
  const functions = all.slice(0, MOST_FUNCTIONS);
  if (rest > 0) functions.push({ function: ELSEWHERE, samples: rest });
  return { functions, rows };
}

const byCount = (a: Sampled, b: Sampled): number =>
  b.samples - a.samples || (a.function < b.function ? -1 : 1);

/** CPython's own machinery: the Python frame above it says more. */
const INTERPRETER = /^(_?Py[A-Z_]|_PyEval|pymain_|run_mod|builtin_)|libpython/;

/** "dgemm_kernel, from forward (model.py:120)"; undefined where no frame was taken. */
export function placeOf(user: readonly StackSite[], kernel: readonly StackSite[]): string | undefined {
  const python = user.find(({ kind }) => kind === 'python');
  const own = user.filter(({ kind }) => kind === 'native' || kind === 'python');
  // The kernel's own page in every process has no names for people: who called it has.
  const top = own.find(frame => !frame.function.startsWith('[[vdso]')) ?? own[0];
  const inKernel = kernel.length > 0 ? ` (${enteredBy(kernel)})` : '';
  if (top === undefined) return kernel[0] === undefined ? undefined : `${kernel[0].function}${inKernel}`;
  if (python === undefined) return `${top.function}${inKernel}`;
  if (top === python || INTERPRETER.test(top.function)) return `${site(python)}${inKernel}`;
  return `${top.function}${inKernel}, from ${site(python)}`;
}

const PAGE_FAULT = /^(asm_)?exc_page_fault$|^do_user_addr_fault$|^do_mem_abort$/;
const SYSTEM_CALL = /^__(?:x64|arm64|ia32|se)_sys_(\w+)$/;

/** How it came into the kernel: by a page fault, a system call, or otherwise (an interrupt). */
function enteredBy(kernel: readonly StackSite[]): string {
  if (kernel.some(frame => PAGE_FAULT.test(frame.function))) return 'in the kernel, for a page fault';
  for (const frame of kernel) {
    const call = SYSTEM_CALL.exec(frame.function)?.[1];
    if (call !== undefined) return `in the kernel, for ${call}`;
  }
  return 'in the kernel';
}

function site({ function: name, file, line }: StackSite): string {
  const short = file?.split('/').at(-1);
  return short === undefined ? name : `${name} (${short}${line === undefined ? '' : `:${line}`})`;
}

/** ", mostly in `tokenize` (7 of 9 samples)"; empty without samples. */
export function mostly(functions: readonly Sampled[]): string {
  const all = functions.reduce((sum, { samples }) => sum + samples, 0);
  const [top] = functions.filter(({ function: name }) => name !== ELSEWHERE).toSorted(byCount);
  if (top === undefined || all === 0) return '';
  return `, mostly in \`${top.function}\` (${top.samples} of ${counted(all, 'sample')})`;
}
