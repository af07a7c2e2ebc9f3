// An instance with an end, and a template with an end of life: what their pages show. The times are far away, because
// the clock of the tests is fast.
import { DERIVED, TEMPLATE } from "./team.mjs";

export const ENDING = "variant-calling";
export const LAST_SAVE = "kept-env";

export async function seedEnds(prism) {
  await prism("extend", ENDING, "--for", "52w", "--then", "terminate", "--last-save", LAST_SAVE);
  await prism("template", "deprecate", `${TEMPLATE}@1`, "--replaced-by", `${TEMPLATE}@2`);
  await prism("template", "deprecate", TEMPLATE, "--on", "2099-01-01", "--replaced-by", DERIVED);
}
