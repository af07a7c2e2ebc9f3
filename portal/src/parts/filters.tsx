// A line of fields that choose what a list shows.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { usePlace } from "./place";

export function Filters({ label, children }: { label: string; children: ComponentChildren }) {
  return <form class="filters" role="search" aria-label={label} onSubmit={(event) => event.preventDefault()}>{children}</form>;
}

interface Props {
  label: string;
  value: string;
  onValue: (value: string) => void;
}

export function FilterField({ label, value, onValue, type = "text", wide, placeholder }: Props & { type?: string; wide?: boolean; placeholder?: string }) {
  const id = useId();
  return (
    <div class={`field ${wide ? "is-wide" : ""}`}>
      <label for={id}>{label}</label>
      <input class="input" id={id} type={type} value={value} placeholder={placeholder} dir="auto" autocomplete="off" spellcheck={false} onInput={(event) => onValue(event.currentTarget.value)} />
    </div>
  );
}

export function FilterSelect({ label, value, onValue, options }: Props & { options: readonly (readonly [string, string])[] }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select class="input" id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([key, shown]) => <option key={key} value={key} selected={key === value}>{shown}</option>)}
      </select>
    </div>
  );
}

/** A field whose value is taken when Enter is pressed or the field is left: each value is a request. */
export function Typed({ label, name, value, apply }: { label: string; name: string; value: string; apply?: (value: string) => void }) {
  const { set } = usePlace();
  const typed = useSignal(value);
  // What is cleared or chosen elsewhere replaces what was typed. The field stays, and with it the focus.
  useLayoutEffect(() => { typed.value = value; }, [value]);
  const take = () => {
    const wanted = typed.value.trim();
    if (wanted === value) return;
    if (apply) apply(wanted);
    else set({ [name]: wanted });
  };
  return (
    <div onFocusOut={take} onKeyDown={(event) => { if (event.key === "Enter") take(); }}>
      <FilterField label={label} value={typed.value} onValue={(next) => { typed.value = next; }} />
    </div>
  );
}
