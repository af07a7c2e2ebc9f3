// What the test of the list of saves needs, in one bundle: a hook and its component share one Preact.
export { h, render } from "preact";
export { useSaves } from "../../src/pages/saves/data";
