// Setting, extending and removing the end of an instance, beside what will happen when.
import { useState } from "preact/hooks";
import { api, ask } from "../../api/client";
import { serverNow } from "../../api/clock";
import { text } from "../../text";
import { moment, money } from "../../text/format";
import { useAct } from "../act";
import { Dialog, Send } from "../dialog";
import { EndFields } from "../end/fields";
import { EndPlan, EndState } from "../end/shown";
import { endErrors, endPreview, endRequest, endValues, isAhead, type End, type EndValues } from "../end/values";
import { toWrong } from "../field";
import { Name } from "../name";
import { ProblemNote } from "../note";
import { Opened } from "../opened";
import { toast } from "../toast";
import { isOn, named, rateOf, type Instance } from "./state";

const words = text.ends;

interface Props {
  one: Instance;
  close: () => void;
  changed: () => void;
}

export function EndDialog(props: Props) {
  const { one, close } = props;
  return <Opened title={<Title one={one} />} read={() => ask(api.GET("/v1/instances/{name}/end", named(one)))} onClose={close}>{({ end }) => <EndForm {...props} end={end ?? undefined} />}</Opened>;
}

function Title({ one }: { one: Instance }) {
  return <>{words.dialog} <Name>{one.name}</Name></>;
}

function EndForm({ one, end, close, changed }: Props & { end?: End }) {
  const now = serverNow();
  const known = end && isAhead(end, now) ? end : undefined;
  const [values, setValues] = useState<EndValues>(() => endValues(now, known));
  const [tried, setTried] = useState(false);
  const act = useAct(close);
  const errors = endErrors(values, now, known);
  const isWrong = Object.values(errors).some(Boolean);
  const press = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    const form = event.currentTarget as HTMLFormElement;
    if (isWrong) return toWrong(form);
    if (!(await act.run(() => send(one, values, known)))) return;
    close();
    changed();
  };
  const label = values.when === "never" ? words.remove : values.when === "for" && known ? words.extend : words.set;
  return (
    <Dialog
      title={<Title one={one} />}
      sub={`${one.instance_type}, ${one.region}`}
      onClose={act.leave}
      plan={<Plan one={one} values={values} known={known} isWrong={isWrong} />}
      foot={<>
        <p>{text.plan.untouched}</p>
        <Send form="f-end" act={act}>{label(one.name)}</Send>
      </>}
    >
      <form id="f-end" class="l-form" noValidate onSubmit={(event) => void press(event)}>
        {end && <div><span class="figure-label">{words.soFar}</span><EndState end={end} now={now} /></div>}
        <EndFields values={values} errors={tried ? errors : {}} change={(part) => setValues((before) => ({ ...before, ...part }))} ways={waysOf(end, known)} />
        {act.problem && <ProblemNote problem={act.problem} />}
      </form>
    </Dialog>
  );
}

/** An end can be removed until it has had its effect. */
function waysOf(end: End | undefined, known: End | undefined) {
  const set = [{ value: "for", shown: known ? words.ways.extend : words.ways.for }, { value: "until", shown: words.ways.until }] as const;
  return end && end.state !== "ended" ? [...set, { value: "never", shown: words.ways.never, why: words.runsOn } as const] : set;
}

async function send(one: Instance, values: EndValues, known: End | undefined): Promise<void> {
  if (values.when === "never") {
    await ask(api.DELETE("/v1/instances/{name}/end", named(one)));
    return toast(words.removed(one.name));
  }
  const set = await ask(api.PUT("/v1/instances/{name}/end", { ...named(one), body: endRequest(values, serverNow(), known) }));
  if (set.end) toast(words.done(one.name, moment(set.end.at)));
}

function Plan({ one, values, known, isWrong }: { one: Instance; values: EndValues; known?: End; isWrong: boolean }) {
  const perHour = isOn(one) ? rateOf(one) : undefined;
  if (values.when === "never") return <p>{words.runsOn}{perHour !== undefined && perHour > 0 && ` ${words.nowCosts(money(perHour))}`}</p>;
  if (isWrong) return <p class="quiet">{words.planNeeds}</p>;
  return <EndPlan end={endPreview(values, serverNow(), known)} now={serverNow()} perHour={perHour} />;
}
