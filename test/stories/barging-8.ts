import { barging } from './parts/barging.ts';

export const story = barging(8);
