// Cards, the head of a page, and what stands in their place while there is nothing.
import type { ComponentChildren } from "preact";
import { useEffect, useId } from "preact/hooks";
import { text } from "../text";

interface HeadProps {
  title: string;
  /** Stands before the title: the way up. */
  crumb?: ComponentChildren;
  /** Stands beside the title: a state. */
  badge?: ComponentChildren;
  lede?: ComponentChildren;
  children?: ComponentChildren;
}

/** The head of a page: what it shows, and what can be done. It also titles the window. */
export function Head({ title, crumb, badge, lede, children }: HeadProps) {
  useEffect(() => {
    document.title = text.title(title);
  }, [title]);
  return (
    <div class="head">
      <div>
        {crumb && <nav class="head-crumb" aria-label={text.nav.breadcrumb}>{crumb}</nav>}
        <div class="head-title"><h1 tabIndex={-1} dir="auto">{title}</h1>{badge}</div>
        {lede && <p class="head-lede">{lede}</p>}
      </div>
      {children && <div class="head-acts">{children}</div>}
    </div>
  );
}

interface CardProps {
  title: string;
  /** Stands at the end of the card's head: a date, a field, a key. */
  end?: ComponentChildren;
  foot?: ComponentChildren;
  /** A table sits in the card directly; everything else in a body. */
  bare?: boolean;
  class?: string;
  children: ComponentChildren;
}

export function Card({ title, end, foot, bare, class: more = "", children }: CardProps) {
  const id = useId();
  return (
    <section class={`card ${more}`} aria-labelledby={id}>
      <div class="card-head"><h2 id={id}>{title}</h2>{end}</div>
      {bare ? children : <div class="card-body">{children}</div>}
      {foot && <div class="card-foot">{foot}</div>}
    </section>
  );
}

/** What a list says when it has nothing: why, and what to do. */
export function Empty({ title, why, children }: { title: string; why: string; children?: ComponentChildren }) {
  const id = useId();
  return <section class="empty" aria-labelledby={id}><h2 id={id}>{title}</h2><p>{why}</p>{children}</section>;
}

export function Loading({ what = text.loading }: { what?: string }) {
  return (
    <div class="l-stack" aria-busy="true">
      <span class="hide" role="status">{what}</span>
      <span class="skeleton is-half" /><span class="skeleton" /><span class="skeleton is-short" />
    </div>
  );
}
