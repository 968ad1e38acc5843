// One axis of a sliding window, in memory, so that a kernel takes two pointers instead of sixteen numbers:
//
//   axis → | input  output  kernel  stride  dilation  padBefore  countedBegin  countedEnd |   int32 each
//
// Positions countedBegin … countedEnd are those that an average divides by: 0 … input, or the padding too.
@unmanaged
export class WindowAxis {
  input: i32;
  output: i32;
  kernel: i32;
  stride: i32;
  dilation: i32;
  padBefore: i32;
  countedBegin: i32;
  countedEnd: i32;

  /** Position of the first tap of window number `index`. */
  // @ts-ignore: decorator
  @inline start(index: i32): i32 {
    return index * this.stride - this.padBefore;
  }

  /** How many taps of a window that starts at `start` lie before `limit`. */
  // @ts-ignore: decorator
  @inline tapsBefore(start: i32, limit: i32): i32 {
    return min(max((limit - start + this.dilation - 1) / this.dilation, 0), this.kernel);
  }

  /** How many taps the window counts. */
  // @ts-ignore: decorator
  @inline counted(start: i32): i32 {
    return this.tapsBefore(start, this.countedEnd) - this.tapsBefore(start, this.countedBegin);
  }
}
