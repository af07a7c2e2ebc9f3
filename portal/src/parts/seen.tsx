// Who can see a template, beside its owner.
import type { Schemas } from "../api/client";
import { text } from "../text";
import { Badge } from "./badge";
import type { IconName } from "./icon";

const ICONS: Record<Schemas["Visibility"], IconName> = { private: "lock", project: "group", shared: "person", public: "group" };

export function SeenBadge({ visibility }: { visibility: Schemas["Visibility"] }) {
  return <Badge icon={ICONS[visibility]}>{text.visibility[visibility]}</Badge>;
}
