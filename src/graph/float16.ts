// IEEE 754 binary16 ↔ binary32, exact, with denormals, infinities and NaN; narrowing rounds half to even.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The value of sixteen bits. */
export function fromFloat16Bits(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The sixteen bits nearest to a number, ties to even. */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below the smallest normal the step is 2^-24; above, it is 2^-10 of the power of two below the value.
  float[0] = magnitude;
  const exponent = Math.max((bits[0]! >>> 23) - 127, -14);
  const steps = roundHalfEven(magnitude / 2 ** (exponent - 10));
  return sign | (steps + ((exponent + 14) << 10));
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

let table: Float32Array | undefined;

/** Widens an array; goes through a table of all 65,536 values, made at first use. */
export function float16ToFloat32(halves: Uint16Array): Float32Array {
  if (!table) {
    table = new Float32Array(65536);
    for (let half = 0; half < 65536; half++) table[half] = fromFloat16Bits(half);
  }
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = table[halves[i]!]!;
  return floats;
}
