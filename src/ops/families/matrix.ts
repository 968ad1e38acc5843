// Operators that multiply matrices: convolutions, products and attention.
import { attention } from "../attention.ts";
import { conv2d } from "../conv.ts";
import { convChain } from "../conv-chain.ts";
import { convTranspose2d } from "../conv-transpose.ts";
import type { OpDef } from "../define.ts";
import { matmul } from "../matmul.ts";

export const OPS: readonly OpDef[] = [conv2d, convChain, convTranspose2d, matmul, attention];
