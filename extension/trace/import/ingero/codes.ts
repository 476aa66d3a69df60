// The numbers that Ingero writes for sources and operations, and what each row becomes in a trace. Numbers that are not
// here are kept as points in time under their number, so that no row is lost.

export type Meaning =
  | {
      readonly kind: 'call';
      readonly function: string;
      readonly library: 'runtime' | 'driver';
      readonly category: 'launch' | 'synchronize' | 'copy' | 'allocate' | 'free' | 'graph';
    }
  | { readonly kind: 'off_cpu' }
  | { readonly kind: 'block_io'; readonly operation: 'read' | 'write' | 'discard' }
  | { readonly kind: 'syscall'; readonly name: string }
  | { readonly kind: 'tcp_retransmit' }
  | { readonly kind: 'instant'; readonly name: string };

type Category = Extract<Meaning, { kind: 'call' }>['category'];

const runtime = (name: string, category: Category): Meaning => ({
  kind: 'call',
  function: name,
  library: 'runtime',
  category,
});
const driver = (name: string, category: Category): Meaning => ({
  kind: 'call',
  function: name,
  library: 'driver',
  category,
});
const instant = (name: string): Meaning => ({ kind: 'instant', name });

/** Key: source * 1000 + op. Functions by the names that CUDA gives them where Ingero shortens. */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [1001, runtime('cudaMalloc', 'allocate')],
  [1002, runtime('cudaFree', 'free')],
  [1003, runtime('cudaLaunchKernel', 'launch')],
  [1004, runtime('cudaMemcpy', 'copy')],
  [1005, runtime('cudaStreamSynchronize', 'synchronize')],
  [1006, runtime('cudaDeviceSynchronize', 'synchronize')],
  [1007, runtime('cudaMemcpyAsync', 'copy')],
  [1008, runtime('cudaMallocManaged', 'allocate')],
  [1009, runtime('cudaMemcpy2D', 'copy')],
  [1010, runtime('cudaMemcpy2DAsync', 'copy')],
  [1011, runtime('cudaMemcpyPeer', 'copy')],
  [1012, runtime('cudaMemcpyPeerAsync', 'copy')],
  [3001, { kind: 'off_cpu' }],
  [3002, instant('wakeup')],
  [3003, instant('page_alloc')],
  [3004, instant('oom_kill')],
  [3005, instant('exec')],
  [3006, instant('exit')],
  [3007, instant('fork')],
  [3010, instant('pod_restart')],
  [3011, instant('pod_eviction')],
  [3012, instant('pod_oom_kill')],
  [3020, instant('page_alloc_summary')],
  [3021, instant('sched_switch_summary')],
  [4001, driver('cuLaunchKernel', 'launch')],
  [4002, driver('cuMemcpy', 'copy')],
  [4003, driver('cuMemcpyAsync', 'copy')],
  [4004, driver('cuCtxSynchronize', 'synchronize')],
  [4005, driver('cuMemAlloc', 'allocate')],
  [4006, driver('cuMemAllocManaged', 'allocate')],
  [5001, { kind: 'block_io', operation: 'read' }],
  [5002, { kind: 'block_io', operation: 'write' }],
  [5003, { kind: 'block_io', operation: 'discard' }],
  [6001, { kind: 'tcp_retransmit' }],
  [7001, { kind: 'syscall', name: 'sendto' }],
  [7002, { kind: 'syscall', name: 'recvfrom' }],
  [8001, runtime('cudaStreamBeginCapture', 'graph')],
  [8002, runtime('cudaStreamEndCapture', 'graph')],
  [8003, runtime('cudaGraphInstantiate', 'graph')],
  [8004, runtime('cudaGraphLaunch', 'graph')],
]);

export const meaningOf = (source: number, op: number): Meaning =>
  (op >= 0 && op < 1000 ? MEANINGS.get(source * 1000 + op) : undefined) ?? instant(`ingero ${source}/${op}`);

/** What Ingero's chains call an operation where it is not the function's own name. */
const SHORT: Readonly<Record<string, string>> = {
  cudaStreamSync: 'cudaStreamSynchronize',
  cudaDeviceSync: 'cudaDeviceSynchronize',
};

/** The function that a chain names; undefined for one that is not among the functions above. */
export function functionNamed(operation: string): string | undefined {
  const name = SHORT[operation] ?? operation;
  for (const meaning of MEANINGS.values()) {
    if (meaning.kind === 'call' && meaning.function === name) return name;
  }
  return undefined;
}

/** SQL over a row of `events`: when it began. Switches, block I/O and socket calls are stamped at their end. */
export const STARTED =
  'timestamp - CASE WHEN (source = 3 AND op = 1) OR source IN (5, 7) THEN duration ELSE 0 END';

/** cudaMemcpyKind (driver_types.h); Ingero writes 5 where it does not know. */
export const COPY_KINDS = [
  'host_to_host',
  'host_to_device',
  'device_to_host',
  'device_to_device',
  'default',
] as const;

/** States of a TCP socket (net/tcp_states.h), from 1. */
export const TCP_STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;
