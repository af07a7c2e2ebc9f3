// What all pages share: the bar with the navigation, the place of the page, and the page before the sign-in.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { routes } from "../routes";
import { signOut, who, type Who } from "../sign-in";
import { text } from "../text";
import { AccessEnded } from "./access-ended";
import { Empty, Loading } from "./card";
import { Hatches, Icon } from "./icon";
import { Menu } from "./menu";
import { SaveDialog } from "./save-dialog";
import { Toasts } from "./toast";

export function Frame({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    // As after loading a page: from the top, with the focus where its content begins.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <Hatches />
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{text.skip}</a>
      <header class="bar"><div class="bar-in">
        <a class="bar-brand" href="/"><Icon name="prism" />{text.product}</a>
        <nav class="bar-nav" aria-label={text.nav.main}>{routes.filter(({ nav }) => nav).map((route) => (
          <a key={route.path} href={route.path} aria-current={current(route.path, path)}>{route.nav}</a>
        ))}</nav>
        <div class="bar-end"><Account /></div>
      </div></header>
      <main class="page" id="main" ref={main} tabIndex={-1}>{children}</main>
      <SaveDialog />
      <AccessEnded />
      <Toasts />
    </>
  );
}

function current(route: string, path: string): "page" | "true" | undefined {
  if (route === path) return "page";
  return route !== "/" && path.startsWith(`${route}/`) ? "true" : undefined;
}

function Account() {
  const user = who.value.state === "in" ? who.value.user : "";
  return (
    <Menu label={text.nav.account(user)} class="bar-who" face={[...user][0] ?? ""}>
      <p class="menu-text" dir="auto"><b>{user}</b></p>
      <a class="menu-item" href="/keys">{text.keys.title}</a>
      <a class="menu-item" href="/notices">{text.notices.title}</a>
      <button class="menu-item" type="button" onClick={() => signOut()}>{text.nav.signOut}</button>
    </Menu>
  );
}

export function SignedOut({ who }: { who: Exclude<Who, { state: "in" }> }) {
  return (
    <main class="page" id="main">
      <h1 class="hide">{text.product}</h1>
      {who.state === "asking" && <Loading what={text.signIn.asking} />}
      {who.state === "handed" && <Empty title={text.signIn.handed} why={text.signIn.handedWhy} />}
      {who.state === "out" && (
        <Empty title={text.signIn.title} why={text.signIn[who.why]}>
          {who.detail && <p class="mono">{who.detail}</p>}
          {who.again && <button class="button is-primary" type="button" onClick={who.again}>{text.signIn.again}</button>}
        </Empty>
      )}
    </main>
  );
}
