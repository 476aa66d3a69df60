// Cells of a database that anyone may have written, any type in any column: taken for what they are, or for nothing.

/** Longer texts are cut: nothing that Ingero writes is, and a trace is read by people. */
export const LONGEST_TEXT = 4_096;

/** A whole number that JavaScript holds exactly. */
export function integer(cell: unknown): number | undefined {
  if (typeof cell === 'bigint') {
    const value = Number(cell);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? cell : undefined;
}

export function count(cell: unknown): number | undefined {
  const value = integer(cell);
  return value !== undefined && value >= 0 ? value : undefined;
}

export function real(cell: unknown): number | undefined {
  const value = typeof cell === 'bigint' ? Number(cell) : cell;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Empty text says nothing, as NULL does. */
export function text(cell: unknown): string | undefined {
  if (typeof cell !== 'string' || cell === '') return undefined;
  return cell.length <= LONGEST_TEXT ? cell : `${cell.slice(0, LONGEST_TEXT - 1)}…`;
}

/** A JSON text; undefined for anything else, and for one beyond `most` characters. */
export function json(cell: unknown, most = 1 << 20): unknown {
  if (typeof cell !== 'string' || cell.length > most) return undefined;
  try {
    return JSON.parse(cell);
  } catch {
    return undefined;
  }
}

/** 64 bits of an address or a handle, as it is written. */
export const hex = (bits: bigint): string => `0x${BigInt.asUintN(64, bits).toString(16)}`;
