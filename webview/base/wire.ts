// Messages with typed arrays as one binary frame, for the WebSocket of `npm run view`. (The editor's own channel
// carries typed arrays by itself.) A frame is: length of the head (uint32, little endian), the head as JSON, padding
// to 8 bytes, then the arrays' bytes, each padded to 8 so that a view on the frame needs no copy. The head holds the
// message with its arrays taken out, and where each belongs: no marker inside the message that data could imitate.

const KINDS = {
  Float64Array,
  Float32Array,
  Uint32Array,
  Int32Array,
  Uint16Array,
  Uint8Array,
} as const;

type Kind = keyof typeof KINDS;
type Column = InstanceType<(typeof KINDS)[Kind]>;

interface Place {
  readonly path: readonly (string | number)[];
  readonly kind: Kind;
  readonly length: number;
}

interface Head {
  readonly message: unknown;
  readonly arrays: readonly Place[];
}

const padded = (bytes: number): number => (bytes + 7) & ~7;

function kindOf(value: unknown): Kind | undefined {
  for (const kind of Object.keys(KINDS) as Kind[]) if (value instanceof KINDS[kind]) return kind;
  return undefined;
}

export function encodeFrame(message: unknown): Uint8Array {
  const places: Place[] = [];
  const columns: Column[] = [];
  const take = (value: unknown, path: readonly (string | number)[]): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const kind = kindOf(value);
    if (kind !== undefined) {
      const column = value as Column;
      places.push({ path, kind, length: column.length });
      columns.push(column);
      return null;
    }
    if (Array.isArray(value)) return value.map((item, index) => take(item, [...path, index]));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, take(item, [...path, key])]));
  };
  const head: Head = { message: take(message, []), arrays: places };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const size = columns.reduce((sum, column) => sum + padded(column.byteLength), padded(4 + json.length));
  const frame = new Uint8Array(size);
  new DataView(frame.buffer).setUint32(0, json.length, true);
  frame.set(json, 4);
  let offset = padded(4 + json.length);
  for (const column of columns) {
    frame.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), offset);
    offset += padded(column.byteLength);
  }
  return frame;
}

/** The message of a frame that `encodeFrame` made; its arrays are views on `frame`. */
export function decodeFrame(frame: ArrayBuffer): unknown {
  const length = new DataView(frame).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as Head;
  const root = { message: head.message };
  let offset = padded(4 + length);
  for (const { path, kind, length: count } of head.arrays) {
    const column = new KINDS[kind](frame, offset, count);
    offset += padded(column.byteLength);
    let holder = root as unknown as Record<string | number, unknown>;
    const full = ['message', ...path];
    for (const step of full.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>;
    holder[full.at(-1) ?? 'message'] = column;
  }
  return root.message;
}
