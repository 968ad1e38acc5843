// The part of cli-progress that the commands use.
declare module "cli-progress" {
  export interface Preset {
    readonly barCompleteChar: string;
    readonly barIncompleteChar: string;
  }
  export const Presets: { readonly rect: Preset };
  export interface Options {
    readonly format: string;
    readonly stream: NodeJS.WritableStream;
    readonly clearOnComplete: boolean;
    readonly hideCursor: boolean;
  }
  export class SingleBar {
    constructor(options: Options, preset: Preset);
    start(total: number, startValue: number): void;
    setTotal(total: number): void;
    update(current: number): void;
    stop(): void;
  }
}
