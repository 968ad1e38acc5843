import { describe, expect, it } from "vitest";
import { convertTensor, isNpy, readNpy, writeNpy } from "../../src/cli/npy.ts";
import { arrayOf, type DataType, ELEMENT_BYTES } from "../../src/graph/types.ts";
import { Tensor } from "../../src/index.ts";

/** A file as NumPy writes it. */
function npy(descr: string, shape: string, data: ArrayBufferView, order = "False", version = 1): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const prefix = version === 1 ? 10 : 12;
  const header = `${dict.padEnd(Math.ceil((prefix + dict.length + 1) / 64) * 64 - prefix - 1)}\n`;
  const length = version === 1 ? [header.length & 255, header.length >> 8] : [header.length & 255, header.length >> 8, 0, 0];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...length,
    ...new TextEncoder().encode(header),
    ...bytes,
  ]);
}

describe(".npy files", () => {
  it.each(Object.keys(ELEMENT_BYTES) as DataType[])("of %s are written and read", (dataType) => {
    const data = arrayOf(dataType, 6) as Uint8Array;
    for (let i = 0; i < 6; i++) data[i] = (typeof data[0] === "bigint" ? BigInt(i % 2) : i % 2) as number;
    const bytes = writeNpy(new Tensor(dataType, [2, 3], data));
    expect(isNpy(bytes)).toBe(true);
    expect(readNpy(bytes)).toEqual(new Tensor(dataType, [2, 3], data));
  });

  it("of a scalar and of no elements are tensors too", () => {
    for (const shape of [[], [0, 3]]) {
      const tensor = new Tensor("float32", shape, new Float32Array(shape.length === 0 ? 1 : 0));
      expect(readNpy(writeNpy(tensor))).toEqual(tensor);
    }
  });

  it("by NumPy itself are read, in both versions, from anywhere in a buffer", () => {
    for (const version of [1, 2]) {
      const file = npy("<f4", "(3,)", Float32Array.of(1, 2, 3), "False", version);
      expect(readNpy(file)).toEqual(new Tensor("float32", [3], [1, 2, 3]));
      expect(readNpy(Buffer.concat([Buffer.from("abc"), file]).subarray(3))).toEqual(new Tensor("float32", [3], [1, 2, 3]));
    }
    expect(readNpy(npy("|b1", "(2, 1)", Uint8Array.of(0, 1)))).toEqual(new Tensor("bool", [2, 1], [0, 1]));
    expect(readNpy(npy("<f8", "(2,)", Float64Array.of(1, 2), "True"))).toEqual(new Tensor("float64", [2], [1, 2]));
  });

  it.each<[string, Uint8Array, string]>([
    ["big endian", npy(">f4", "(1,)", Float32Array.of(1)), "the .npy cannot be read: Unsupported dtype: >f4"],
    ["objects", npy("|O", "(1,)", Uint8Array.of(1)), "the .npy cannot be read"],
    ["complex", npy("<c8", "(1,)", Float32Array.of(1, 2)), 'an .npy of "c8" is no tensor'],
    ["columns first", npy("<f4", "(2, 2)", new Float32Array(4), "True"), "Fortran order"],
    ["too little", npy("<f4", "(4,)", new Float32Array(3)), "has 4 elements, the data has 3"],
    ["half an element", npy("<f4", "(1,)", Uint8Array.of(1, 2, 3)), "the .npy cannot be read"],
    ["a torn header", npy("<f4", "(1,)", new Float32Array(1)).slice(0, 20), "the .npy cannot be read"],
  ])("that hold %s are refused", (_, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(expect.objectContaining({ code: "input", message: expect.stringContaining(message) }));
  });
});

describe("a tensor in another data type", () => {
  it("keeps its values", () => {
    expect(convertTensor(new Tensor("float64", [2], [0.5, 2]), "float32")).toEqual(new Tensor("float32", [2], [0.5, 2]));
    expect(convertTensor(new Tensor("int64", [2], [-5, 7]), "int32")).toEqual(new Tensor("int32", [2], [-5, 7]));
    expect(convertTensor(new Tensor("uint8", [2], [0, 1]), "int64")).toEqual(new Tensor("int64", [2], [0, 1]));
  });

  it("is refused where it would not", () => {
    expect(() => convertTensor(new Tensor("int64", [1], [300]), "uint8")).toThrow("the file holds int64, and 300 does not fit uint8");
    expect(() => convertTensor(new Tensor("int32", [1], [-1]), "uint64")).toThrow("and -1 does not fit uint64");
    expect(() => convertTensor(new Tensor("float32", [1], [1]), "int32")).toThrow("expected int32, the file holds float32");
  });
});
