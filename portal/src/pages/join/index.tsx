// Joins a project with the code of a join link: typed, or from the fragment of the address, which no server sees.
import { useLayoutEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask } from "../../api/client";
import { me } from "../../api/shared";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Card, Head } from "../../parts/card";
import { TextField } from "../../parts/field";
import { ProblemNote } from "../../parts/note";
import { at } from "../../parts/place";
import { toast } from "../../parts/toast";
import { who } from "../../sign-in";
import { text } from "../../text";

const words = text.join;

export function Join() {
  const { route } = useLocation();
  const code = useSignal("");
  const tried = useSignal(false);
  const acting = useAct();
  useLayoutEffect(() => {
    const take = () => { code.value = takeCode() || code.value; };
    take();
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  const value = code.value.trim();
  // Never by itself: whoever follows a link has not said yet that they want to join.
  const press = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (!value) return (event.currentTarget as HTMLFormElement).querySelector("input")?.focus();
    await acting.run(async () => {
      const { project, role } = await ask(api.POST("/v1/join", { body: { code: value } }));
      me.forget();
      toast(words.done(project.name, text.roles[role]));
      route(at("projects", project.name));
    });
  };
  const user = who.value.state === "in" ? who.value.user : "";
  return (
    <>
      <Head title={words.title} crumb={<a href="/projects">{text.projects.title}</a>} lede={words.lede} />
      <Card title={words.label} foot={<><span dir="auto">{user && words.as(user)}</span><Button large kind="primary" form="f-join" busy={acting.busy}>{words.submit}</Button></>}>
        <form id="f-join" class="l-stack" noValidate onSubmit={(event) => void press(event)}>
          <TextField label={words.label} mono hint={words.hint} error={tried.value && !value ? words.missing : undefined} value={code.value} onValue={(now) => { code.value = now; }} />
          {acting.problem && <ProblemNote problem={acting.problem} />}
        </form>
      </Card>
    </>
  );
}

/** Takes the code out of the address, so that neither the history nor a copied URL has it. */
function takeCode(): string {
  const found = new URLSearchParams(location.hash.slice(1)).get("code");
  if (found) history.replaceState(null, "", location.pathname + location.search);
  return found ?? "";
}
