// A small field in the head of a card that narrows what the card lists.
import { useId } from "preact/hooks";

export function Find({ label, hint, value, onValue }: { label: string; hint: string; value: string; onValue: (value: string) => void }) {
  const id = useId();
  return (
    <div class="l-row">
      <label class="hide" for={id}>{label}</label>
      <input class="input is-small" id={id} type="search" dir="auto" placeholder={hint} value={value} onInput={(event) => onValue(event.currentTarget.value)} />
    </div>
  );
}
