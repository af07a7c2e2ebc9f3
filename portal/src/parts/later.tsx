// A page whose file is read when it is needed, or before that when the browser has nothing else to do.
import type { ComponentType } from "preact";
import { signal } from "@preact/signals";
import { useOnce } from "./once";
import { Loaded } from "./note";

type Pages = typeof import("../pages/later");

const pages = signal<Pages | undefined>(undefined);

async function read(): Promise<Pages> {
  pages.value ??= await import("../pages/later");
  return pages.value;
}

/** Reads the file ahead. If that fails, it is read when it is needed. */
export function readAhead(): void {
  void read().catch(() => undefined);
}

/** A page by its name in that file. */
export function later(name: keyof Pages): ComponentType<any> {
  return function Later(props: object) {
    const Page = pages.value?.[name] as ComponentType<any> | undefined;
    return Page ? <Page {...props} /> : <Reading />;
  };
}

function Reading() {
  return <Loaded live={useOnce("pages", read)}>{() => null}</Loaded>;
}
