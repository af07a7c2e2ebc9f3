// Fields with a label, a hint, and what is wrong with their value.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon } from "./icon";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string;
}

interface TextProps extends FieldProps {
  value: string;
  onValue: (value: string) => void;
  mono?: boolean;
  rows?: number;
  type?: string;
  placeholder?: string;
  required?: boolean;
  /** To be read and copied, not changed. */
  readOnly?: boolean;
  list?: readonly string[];
}

export function TextField({ label, hint, error, value, onValue, mono, rows, list, ...rest }: TextProps) {
  const id = useId();
  const about = { id, value, "aria-invalid": error ? true : undefined, "aria-describedby": hint || error ? `${id}-h` : undefined };
  const onInput = (event: Event) => onValue((event.currentTarget as HTMLInputElement).value);
  const kind = `input ${mono ? "mono" : ""}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows
        ? <textarea class={kind} rows={rows} dir="auto" onInput={onInput} {...about} />
        : <input class={kind} dir="auto" autocomplete="off" spellcheck={false} list={list && `${id}-l`} onInput={onInput} {...about} {...rest} />}
      {list && <datalist id={`${id}-l`}>{list.map((one) => <option key={one} value={one} />)}</datalist>}
      <Help id={`${id}-h`} hint={hint} error={error} />
    </div>
  );
}

interface SelectProps extends FieldProps {
  value: string;
  onValue: (value: string) => void;
  options: readonly (readonly [value: string, shown: string])[];
}

export function SelectField({ label, hint, error, value, onValue, options }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select class="input" id={id} value={value} aria-invalid={error ? true : undefined} aria-describedby={hint || error ? `${id}-h` : undefined} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([key, shown]) => <option key={key} value={key} selected={key === value}>{shown}</option>)}
      </select>
      <Help id={`${id}-h`} hint={hint} error={error} />
    </div>
  );
}

interface ChoiceProps extends FieldProps {
  value: string;
  onValue: (value: string) => void;
  options: readonly { value: string; shown: ComponentChildren; end?: ComponentChildren }[];
}

/** One of a few, each with what it costs or means. */
export function ChoiceField({ label, hint, error, value, onValue, options }: ChoiceProps) {
  const id = useId();
  return (
    <fieldset class="field" aria-describedby={hint || error ? `${id}-h` : undefined}>
      <legend>{label}</legend>
      <div class="choice">{options.map((option) => (
        <label key={option.value}>
          <input type="radio" name={id} value={option.value} checked={option.value === value} onChange={() => onValue(option.value)} />
          <span>{option.shown}</span>
          {option.end && <span class="quiet">{option.end}</span>}
        </label>
      ))}</div>
      <Help id={`${id}-h`} hint={hint} error={error} />
    </fieldset>
  );
}

export function Check({ checked, onChecked, children }: { checked: boolean; onChecked: (checked: boolean) => void; children: ComponentChildren }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChecked(event.currentTarget.checked)} />
      <span>{children}</span>
    </label>
  );
}

function Help({ id, hint, error }: { id: string; hint?: ComponentChildren; error?: string }) {
  if (error) return <span class="field-error" id={id}><Icon name="bad" /><span>{error}</span></span>;
  return hint ? <span class="field-hint" id={id}>{hint}</span> : null;
}

/** Moves the focus to the first field that is wrong, once the form says so. */
export function toWrong(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}
