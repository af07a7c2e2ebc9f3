//! Generates `docs/access.md` from the table of rights.

use prism_functions::rules::access;

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from functions/src/rules/access.rs. Change it there. -->

# Who may do what

One table decides, in `functions/src/rules/access.rs`; what is not in it is denied. A caller may stand in
several relations to a thing, and may do what any of them may. Whoever may not even see a thing is
answered as if it did not exist; whoever sees it and may not do more is answered `NotAllowed`.

## Relations

| relation | who |
|---|---|
| Owner | whose template, save, instance or schedule it is |
| ProjectOwner, ProjectAdmin | who manages the project: to it, to its templates, shared or not, and to the saves for it |
| ProjectMember, ProjectViewer | who is in the project: to it, and to its templates that are shared with it |
| Grantee | whom a template is shared with, by name or as a member, admin or owner of another project |
| Onlooker | a viewer of another project that a template is shared with |
| Public | everybody, to a public template |
| Stranger | everybody else |

## The table

";

const TAIL: &str = "\
An owner of a project makes and unmakes owners and admins (Appoint); admins add and remove members and
viewers (Invite); everybody may leave, but a project keeps an owner. Without a name for it here, nobody
may do it: there is no user who may do everything.

What is not there and what may not be seen are told alike, after as many reads. Only that a name is taken can be told by
whoever wants it for a template of their own: it stands for one template in a deployment. A save's id may be known
to others, who learn nothing by it; before it has a record, only whoever asked for it may see how it stands (Watch). Whoever
only looks on in a project sees of its approvals those of templates that they may see.

## Moving

A save with `--project` moves a template that is in another project, or in none, with all of its versions and what they cost.
To take it out of its project needs what deleting needs (Move); to have the other project pay needs to work in
it (MoveIn). The plan says what moves and what it costs a month; `prism save` asks, and over the API the request has to agree
(`move_template`). Without that, or where the template went elsewhere since the plan, the save is refused. A schedule moves
nothing.

Who may what is looked at again when a version is registered, for whoever asked for the save, by hand or by a schedule: who was
taken out of the project meanwhile, or may only look on, leaves nothing there that it pays for.

## Sharing

`prism template share NAME` with `--user`, `--project`, `--account`, `--organization` or `--public`; where nobody is
named, with colleagues: the members of the template's project, or, where it is in none and \"public\" means this
deployment, its users. `unshare` takes it back, and `shares` lists it.

A user or a project is a matter of the registry. Accounts, organisations
and, where the deployment means that by \"public\" (ADR 4), the world launch the AMIs by themselves: each AMI of each
version in each Region gets a launch permission, and so does each that a later save, copy or import brings.
An AMI that several templates have, by imports, is open to whom any of them is shared with: taking back the share of one, or
deleting it, closes the AMI to those alone whom no other's grant names. AMIs that no save has made are opened to nobody:
such a template is shared within this deployment only, and such a file goes into no template that is shared beyond it.
An import gives no right to an AMI (Import, Open): of a template whose AMIs its importer might open to others as well, it is a version
like any other; of one that they may only launch, it is borrowed. What is borrowed is for its importer alone, as long as
the other template is there and they may launch it; it is not copied, it keeps no AMI, and it goes into no template that others have.
A template with a borrowed version is given to nobody, by no share, project or `--public`. `shares` lists, beside a
template's own grants, those of others by which its AMIs are open.
Of many AMIs, about 200 are closed by one `unshare`, which says how many are left: the same again goes on.
EC2's limits are checked first, and refused before anything changes: the AWS managed key, encrypted
volumes of public AMIs, product codes, blocked public access. Snapshots are not shared: an AMI is
launched without that, and copied to another account only with it (EC2 facts).

The grant is written before EC2 is told and confirmed afterwards, so a process that dies in between has
forgotten nothing: `prism template shares` shows it half open, and the same request goes on. Where somebody takes it
back at the same time, both look again until the AMIs are open to whom the grants name by then. Where a Region
fails, the request names it, closes what it had opened, and records nothing. A call of a process that died may still
take effect after that, and an administrator may open an AMI by hand: `prism doctor` compares whom the AMIs of
every version are open to with the grants, and `prism doctor --fix` sets them as the grants say.

## Showing data to more people

Whoever can launch a template gets all that is on its disks. Whatever would show data to more people than before
is decided in one place (`functions/src/rules/publication.rs`, ADR 15): a save, by hand or by a schedule, of a template that
anybody but its saver sees, by `--public`, a share or a project; an added architecture, a share, a copy to a Region, an import, and a
rollback to what the latest version has not. Files that are known to be sensitive ([the catalogue](sensitive-files.md)) are refused with
all of their paths (`SensitiveFiles`; `files` in JSON) until `--publish-sensitive` consents, which `--yes` does not; in the
API it is `publish_sensitive`. What every machine has from its first boot, such as SSH host keys, is told and needs no consent.

What is known is what the instance tells when it is saved, and it stays with the version: on AWS, by Systems Manager's
inventory, where its association lists files (`AWS:File`). Where nobody has told, that is a warning (`NotInspected`) as long as only
users of this deployment see it, and is refused (`FilesUnknown`) without the consent where another account, an
organisation or the world would. A schedule's consent is to the files that its instance has when it is given, by
`schedule create` or `schedule edit`: a run that would show others fails, and names them.

No operations of any users come to more than what was granted (promise P10): `cargo xtask simulate --rights N` plays
sequences of them by four users, and each pair by two, and holds what anybody can see, launch, open and delete, and
whom each AMI is open to in EC2, against a model of the grants alone (`tests/src/rights`).

## Projects

A save with `--project` puts the template into the project, which pays for it: its owners and admins
see it then, and its members once it is shared (`prism project share-template`). With `prism project edit NAME
--approved-only on`, launches for the project are from approved templates alone.

A budget counts the snapshots of all versions of the project's templates, in every Region, by their full size:
the most that they can cost. Instances are not counted. Thresholds are told once for each crossing,
as the event `budget.crossed` on the event bus. A hard stop refuses saves, added architectures and copies that would exceed
the limit, and launches once it is used up. What is under way counts by the most that it can cost, from the transaction in
which it begins to the one in which it is registered or ends, and of two that begin at once the second looks again: they
never exceed the limit together. A template that is saved into another project brings its earlier versions' costs along;
what was under way for the template then is paid there too once it is registered, and refused where there is no room for it.
`prism project costs` asks EC2 for the sizes as they are, and says of each version whether deleting it frees all of its
cost or shares blocks with others.

## Audit

Every change is written down in the same transaction: who, what, when, and from where, which is the command
line, the API with the client's address and user agent, or a schedule. What is asked of EC2 alone, such as the
stop of an instance, is written down before it is asked. `prism audit list` shows your own events; with `--resource` those
of a thing, since it exists, to whoever may SeeAudit; with `--project` those of a project and all that belongs to it.
A deleted project's name is never used again, so nobody inherits what was its.
";

pub(super) fn markdown() -> String {
    format!("{HEAD}{}{TAIL}", access::markdown())
}
