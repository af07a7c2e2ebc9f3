// What a project has for a course: an instance for each member, join links, and groups.
import { useSignal } from "@preact/signals";
import { Button } from "../../parts/button";
import { Card } from "../../parts/card";
import { text } from "../../text";
import { ClassLaunchDialog } from "./class-launch";
import { Groups } from "./groups";
import { Links } from "./links";

export function Course({ name, again }: { name: string; again: () => void }) {
  const launching = useSignal(false);
  return (
    <>
      <Card title={text.course.title} end={<Button onPress={() => { launching.value = true; }}>{text.course.launch}</Button>}>
        <p>{text.course.why}</p>
      </Card>
      <Links project={name} />
      <Groups project={name} />
      {launching.value && <ClassLaunchDialog project={name} onClose={() => { launching.value = false; }} onDone={again} />}
    </>
  );
}
