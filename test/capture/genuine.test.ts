// NVIDIA's own runtime libraries, and every function that the driver's header declares: each exported function is called
// with arguments that tell themselves apart. The headers say what each argument is: the trace has to say the same.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCapture } from '../lib/capture.ts';
import { buildSilentDriver, genuineRuntime, type Parameter, prototypes } from '../lib/genuine-cuda.ts';
import { buildWorkloads, startWorkload, withFolder } from '../lib/programs.ts';
import { type Row, TraceFile } from '../lib/trace-file.ts';
import { parseLog } from '../lib/truth.ts';

/** call_all's argument k, and word j of the page that it points to. */
const argument = (k: number): number => k * 0x10000;
const word = (k: number, j: number): number =>
  Buffer.from(`a${String(k).padStart(2, '0')}w${String(j).padStart(2, '0')}`).readUIntLE(0, 6);

/** Structures passed by value, in words; those of more than two lie on the stack. */
const structures: Readonly<Record<string, number>> = {
  dim3: 2,
  cudaPitchedPtr: 4,
  cudaExtent: 3,
  cudaPos: 3,
  cudaIpcMemHandle_t: 8,
  cudaIpcEventHandle_t: 8,
  CUipcMemHandle: 8,
  CUipcEventHandle: 8,
};

/** The words of each parameter, as numbers of call_all's arguments (System V, x86_64). */
function places(parameters: readonly Parameter[]): (readonly number[])[] {
  let register = 1;
  let stack = 7;
  return parameters.map(({ type }) => {
    const words = structures[type] ?? 1;
    const inRegisters = words <= 2 && register + words <= 7;
    const first = inRegisters ? register : stack;
    if (inRegisters) register += words;
    else stack += words;
    return Array.from({ length: words }, (_, index) => first + index);
  });
}

interface Expected {
  column: string;
  value: number | string;
}

/** Handles by value, and what they are made through: the same type with a star. */
const handles =
  /^(cudaEvent_t|cudaGraph_t|cudaGraphExec_t|cudaLibrary_t|CUevent|CUgraph|CUgraphExec|CUmodule|CUlibrary)$/;

/** What the header's types and names say that a call's row must hold. */
function expectations(name: string, parameters: readonly Parameter[], succeeded: boolean): Expected[] {
  const at = places(parameters);
  const expected: Expected[] = [];
  const objects: number[] = [];
  let made: number | undefined;
  parameters.forEach(({ type, name: called }, index) => {
    const first = at[index]?.[0] ?? 0;
    const value = argument(first);
    const expect = (column: string, value: number | string) => expected.push({ column, value });
    if (type === 'cudaStream_t' || type === 'CUstream') {
      if (!/CopyAttributes/.test(name) || index === 0) expect('stream', value);
    } else if (handles.test(type)) objects.push(value);
    else if (index === 0 && type.endsWith('*') && handles.test(type.slice(0, -1))) made = word(first, 0);
    else if (type === 'size_t' && /^(count|size|bytesize|ByteCount)$/.test(called) && single(name))
      expect('bytes', value);
    else if (/^(devPtr|dptr|dstDevice|p|ptr|pDevice)$/.test(called) && takesAddress.test(name)) {
      if (!type.endsWith('**') && !/^CUdeviceptr(_v1)?\*$/.test(type)) expect('address', value);
      else if (succeeded) expect('address', word(first, 0));
    } else if (called === 'func' && type === 'void*' && /^cudaLaunch(Cooperative)?Kernel/.test(name))
      expect('kernel', `0x${value.toString(16)}`);
    else if (/Launch/.test(name)) expected.push(...ofLaunch({ type, name: called }, at[index] ?? []));
  });
  // of two handles the first is what the call is about; an elapsed time is about its later event
  const object = (succeeded ? made : undefined) ?? objects.at(/Elapsed/.test(name) ? -1 : 0);
  if (object !== undefined) expected.push({ column: 'object', value: object });
  return expected;
}

const takesAddress =
  /^(cuda|cu)(Malloc|MallocManaged|MallocAsync|MemAlloc|MemAllocAsync|MemAllocManaged|HostRegister|MemHostRegister|Free|FreeAsync|FreeHost|MemFree|MemFreeAsync|MemFreeHost|HostUnregister|MemHostUnregister|Memset\w*)(_v2)?(_ptsz|_ptds)?$/;

/** Shape of a launch: by value, one by one, or by structure. */
function ofLaunch({ type, name }: Parameter, at: readonly number[]): Expected[] {
  const [first = 0, second = 0] = at;
  const value = argument(first);
  const axes = /^(grid|block)Dim([XYZ])$/.exec(name);
  if (axes) return [{ column: `${axes[1]}_${axes[2]?.toLowerCase()}`, value }];
  if (/^(grid|block)Dim$/.test(name) && type === 'dim3')
    return [
      { column: `${name.slice(0, -3)}_x`, value },
      { column: `${name.slice(0, -3)}_z`, value: argument(second) },
    ];
  if (/^sharedMem(Bytes)?$/.test(name)) return [{ column: 'shared_bytes', value }];
  if (!/^(cudaLaunchConfig_t|CUlaunchConfig)\*$/.test(type)) return [];
  return [
    { column: 'grid_x', value: word(first, 0) % 2 ** 32 },
    { column: 'block_z', value: Math.floor(word(first, 2) / 2 ** 32) },
    { column: 'stream', value: word(first, 4) },
    { column: 'shared_bytes', value: type.startsWith('CU') ? word(first, 3) % 2 ** 32 : word(first, 3) },
  ];
}

/** Copies, allocations and sets of one piece of memory: `count` counts bytes. */
const single = (name: string): boolean =>
  /^(cuda|cu)(Memcpy|Malloc|MemAlloc|HostAlloc|MemHostAlloc|Memset$|MemsetAsync|HostRegister|MemHostRegister|MemPrefetchAsync)/.test(
    name,
  ) && !/Batch|3D|2D|D8|D16|D32|Array$/.test(name);

/** In the genuine runtimes this is a jump to the function, and has no probe of its own. */
const jumpsTo = (name: string): string => (name.startsWith('cudaLaunchKernel') ? `__${name}` : '');

/** No error code: nothing, or a handle. */
const returnsNothing = /^__cuda(Register|Unregister|InitModule)/;

const plain = (name: string): string => name.replace(/_(ptsz|ptds)$/, '');

const nameOf = (probe: Row): string => String(probe['target']).split(':').at(-1) ?? '';

/** What only asks, or keeps something for later, or is about graphics. */
const leftOut =
  /Get|Query|Peek|Capturing|ExchangeStreamCaptureMode|CanAccess|IsLoaded|ComputeCapability|TotalMem|Enumerate|FindInClone|CreateChannelDesc|ChooseDevice|SetDevice$|Current$|RetainAllocation|^__cuda(Launch|Push|Pop|Register[HMVU])|EGL|GL[A-Z]|VDPAU|Graphics|Tex|Surf|Logs|Coredump|Param|Double|Notification|TensorMap|Subgrid|DevSm|DevResource|LogicalEndpoint/;

async function callAll(
  library: string,
  names: readonly string[],
  known: ReadonlyMap<string, readonly Parameter[]>,
): Promise<void> {
  buildWorkloads();
  await withFolder(async folder => {
    const [trace, log] = [join(folder, 'all.wakechain.db'), join(folder, 'all.log')];
    const caller = await startWorkload('call_all', ['--library', library, '--log', log, ...names]);
    try {
      const capture = await startCapture([
        ...['--output', trace, '--overhead-percent', '0', '--pid', String(caller.pid)],
        ...['--duration', '60', '--control-stdin'],
      ]);
      caller.say('go');
      assert.equal(await caller.ended, 0, caller.words);
      capture.program.say('stop');
      const { lost } = await capture.finished;
      assert.equal(lost, 0);
    } finally {
      caller.kill();
    }
    const file = new TraceFile(trace);
    try {
      compare(file, parseLog(readFileSync(log, 'utf8')), library, known);
    } finally {
      file.close();
    }
  });
}

function compare(
  file: TraceFile,
  log: ReturnType<typeof parseLog>,
  library: string,
  known: ReadonlyMap<string, readonly Parameter[]>,
): void {
  const called = new Map(
    log.filter(line => line.type === 'called').map(line => [String(line['function']), line]),
  );
  const probes = file.rows("SELECT * FROM probe WHERE kind = 'uprobe' AND attached");
  assert.ok(probes.length > 150, `${probes.length} probes`);
  const asked = new Set(file.rows('SELECT target FROM probe').map(row => nameOf(row)));
  const unasked = [...called.keys()].filter(name => !asked.has(name) && !leftOut.test(name));
  assert.deepEqual(unasked, [], 'whatever does something is probed');
  const wrong: string[] = [];
  let compared = 0;
  for (const probe of probes) {
    const name = nameOf(probe);
    const line = called.get(name);
    if (!String(probe['target']).startsWith(library)) continue;
    assert.ok(line, `${name} was called`);
    const rows = file.rows('SELECT * FROM cuda_calls WHERE function = ? ORDER BY start_ns', name);
    const say = (words: string) => wrong.push(`${name}: ${words}`);
    const calls = Number(line['calls']) + Number(called.get(jumpsTo(name))?.['calls'] ?? 0);
    if (probe['hits'] !== calls) say(`${probe['hits']} hits of ${calls} calls`);
    const ways = ['emitted', 'merged', 'filtered', 'lost'].map(way => Number(probe[way]));
    if (ways.reduce((sum, way) => sum + way, 0) !== probe['hits'])
      say(`ways out ${ways} of ${probe['hits']} hits`);
    if (rows.length !== calls) say(`${rows.length} rows of ${calls} calls`);
    const last: Row | undefined = rows.at(-1);
    if (last === undefined || line['signal'] !== undefined) continue;
    if (last['result'] !== line['result'] && !returnsNothing.test(name))
      say(`result ${last['result']}, returned ${line['result']}`);
    const parameters = known.get(name) ?? known.get(plain(name)) ?? [];
    for (const { column, value } of expectations(name, parameters, line['result'] === 0)) {
      compared++;
      if (last[column] !== value) say(`${column} is ${last[column]}, was ${value}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(compared >= 100, `${compared} arguments compared`);
}

for (const major of [12, 13] as const) {
  const genuine = genuineRuntime(major);
  const skip = 'reason' in genuine && genuine.reason;
  test(`the genuine libcudart.so.${major}: every function, its hits, results and arguments`, {
    skip,
  }, async () => {
    if ('reason' in genuine) return;
    const symbols = execFileSync('nm', ['-D', '--defined-only', genuine.library], { encoding: 'utf8' });
    const names = [...symbols.matchAll(/ T ((?:__)?cuda\w+)/g)].map(([, name = '']) => name);
    assert.ok(names.length > 400);
    await callAll(genuine.library, [...new Set(names)], prototypes(genuine.runtimeHeader, 'CUDARTAPI'));
  });
}

const genuine = genuineRuntime(13);
test("every function that the driver's header declares", {
  skip: 'reason' in genuine && genuine.reason,
}, async () => {
  if ('reason' in genuine) return;
  const declared = prototypes(genuine.driverHeader, 'CUDAAPI');
  const functions = new Map([...declared].filter(([name]) => /^cu[A-Z]/.test(name)));
  assert.ok(functions.size > 400);
  await withFolder(async folder => {
    const library = buildSilentDriver([...functions.keys()], folder);
    await callAll(library, [...functions.keys()], functions);
  });
});
