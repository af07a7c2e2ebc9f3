// A button that opens a few further actions.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";

export function Menu({ label, face, class: kind = "button is-icon", children }: { label: string; face: ComponentChildren; class?: string; children: ComponentChildren }) {
  const id = useId();
  const open = useSignal(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open.value) return;
    const outside = (event: Event) => {
      if (!place.current?.contains(event.target as Node)) open.value = false;
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      open.value = false;
      place.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escape);
    };
  }, [open.value]);
  // What was chosen may ask a question: when it is answered, the focus returns to a button that is still there. So the
  // focus goes there before the question opens, which notes where it was.
  const chosen = () => {
    open.value = false;
    place.current?.querySelector("button")?.focus();
  };
  return (
    <div class="menu" ref={place}>
      <button class={kind} type="button" aria-label={label} aria-expanded={open.value} aria-controls={id} onClick={() => { open.value = !open.value; }}>{face}</button>
      <div class="menu-list" id={id} hidden={!open.value} onClickCapture={chosen}>{children}</div>
    </div>
  );
}
