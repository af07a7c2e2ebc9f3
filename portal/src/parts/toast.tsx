// Short confirmations. A failure is never a toast: it is a note, and stays.
import { signal } from "@preact/signals";
import { text } from "../text";
import { Icon } from "./icon";

const shown = signal<{ id: number; message: string }[]>([]);
let next = 0;
const SHOWN_MS = 8000;

export function toast(message: string): void {
  const id = (next += 1);
  shown.value = [...shown.value.slice(-2), { id, message }];
  setTimeout(() => drop(id), SHOWN_MS);
}

const drop = (id: number) => {
  shown.value = shown.value.filter((one) => one.id !== id);
};

export function Toasts() {
  return (
    <div class="toasts" role="status">{shown.value.map(({ id, message }) => (
      <div class="toast" key={id} data-enter>
        <Icon name="done" />
        <span>{message}</span>
        <button class="button is-quiet is-icon" type="button" aria-label={text.dismiss} onClick={() => drop(id)}><Icon name="close" /></button>
      </div>
    ))}</div>
  );
}
