export { load } from "../lanewise.mjs";
