// A modal dialog: the focus goes to its first field, Esc closes it, and the focus returns to where it was.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { text } from "../text";
import type { Act } from "./act";
import { Button } from "./button";
import { Icon } from "./icon";

interface Props {
  title: ComponentChildren;
  sub?: ComponentChildren;
  /** The form, at the left or top. */
  children: ComponentChildren;
  /** What will happen, beside the form. */
  plan?: ComponentChildren;
  foot: ComponentChildren;
  /** False while the form is being read; once it is there, its first field gets the focus. */
  ready?: boolean;
  /** Absent while it cannot be left: see [`Act`]. */
  onClose?: () => void;
}

export function Dialog({ title, sub, children, plan, foot, ready = true, onClose }: Props) {
  const id = useId();
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = place.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus();
      // What opened it may go at the same time, because what was done there reloads the page: that is after this.
      requestAnimationFrame(() => {
        if (!before?.isConnected && document.activeElement === document.body) document.querySelector<HTMLElement>("h1")?.focus();
      });
    };
  }, []);
  useEffect(() => {
    const first = place.current?.querySelector<HTMLElement>(".dialog-form :is(input, select, textarea)") ?? place.current?.querySelector<HTMLElement>(".dialog-foot button");
    first?.focus();
  }, [ready]);
  const cancelled = (event: Event) => {
    // Whoever chooses no file leaves the list of files, and not the dialog.
    if (event.target !== place.current) return;
    event.preventDefault();
    onClose?.();
  };
  // At a second Esc the browser closes it, whatever the page says. One that has left the page has no place any more.
  const closed = () => {
    if (!onClose) place.current?.showModal();
  };
  return (
    <dialog class="dialog is-modal" ref={place} aria-labelledby={id} data-enter onCancel={cancelled} onClose={closed}>
      <div class="dialog-head">
        <div><h2 id={id}>{title}</h2>{sub && <p class="quiet"><small>{sub}</small></p>}</div>
        <button class="button is-quiet is-icon" type="button" aria-label={text.close} disabled={!onClose} onClick={onClose}><Icon name="close" /></button>
      </div>
      <div class={`dialog-body ${plan ? "" : "is-single"}`}>
        <div class="dialog-form">{children}</div>
        {plan && <div class="dialog-plan" aria-live="polite">{plan}</div>}
      </div>
      <div class="dialog-foot">{foot}</div>
    </dialog>
  );
}

/** The button that leaves a dialog, and what was filled in there. */
export function Cancel({ leave, label = text.cancel }: { leave?: () => void; label?: string }) {
  return <Button large disabled={!leave} onPress={leave}>{label}</Button>;
}

/** The buttons of a form in a dialog: to leave it, and to send it. */
export function Send({ form, act, children }: { form: string; act: Act; children: ComponentChildren }) {
  return <><Cancel leave={act.leave} /><Button large kind="primary" form={form} busy={act.busy}>{children}</Button></>;
}
