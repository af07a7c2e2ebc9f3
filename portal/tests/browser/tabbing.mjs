// Using a page with the keyboard alone.
import assert from "node:assert/strict";

/** At most this many presses lead from one control to another. */
const FAR = 120;

/** Presses Tab until a control with this name has the focus. */
export async function tabTo(page, name) {
  for (let pressed = 0; pressed < FAR; pressed += 1) {
    const here = await page.evaluate(() => {
      const { activeElement: one } = document;
      return one?.getAttribute("aria-label") || one?.labels?.[0]?.innerText || one?.innerText || "";
    });
    if (name.test(here.trim())) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${name} is not reached with Tab`);
}
