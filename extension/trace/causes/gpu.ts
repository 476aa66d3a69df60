// Waiting for the GPU while off the CPU: in the driver, or asleep inside a call that synchronizes. (Spinning on the CPU
// meanwhile is running.ts.)

import type { CauseNode } from '../api.ts';
import { simple, type Wait } from './wait.ts';
import type { Walk } from './walk.ts';

export const gpuWait = (walk: Walk, wait: Wait): CauseNode =>
  simple(walk, wait, 'gpu', 'gpu', 'waiting for the GPU');
