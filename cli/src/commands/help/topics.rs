//! What `prism help` explains besides the commands.

/// A topic.
pub(super) struct Topic {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) text: &'static str,
}

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        name: "names",
        about: "how instances, templates, versions and saves are named",
        text: "\
An instance is named by its name or its ID. If two instances in a Region have the same name, use the ID. Instances are
looked for in one Region: the one of --region, or the default one (see \"prism help regions\").

A template is named NAME for its latest version, or NAME@3 for version 3. A project has 3 to 64 lowercase letters, digits,
\".\", \"_\" or \"-\".

A save or an instance may also be named by the beginning of its ID, such as save-c75f, as long as no other of yours begins with it.

A shell completes all of these names: see \"prism help completions\".
",
    },
    Topic {
        name: "regions",
        about: "in which Region a command works, and how to name others",
        text: "\
--region is where the thing is: the instance that is listed, stopped, connected to or launched. Its default is, in this
order: $PRISM_REGION, the Region of the profile, $AWS_REGION, us-east-1.

\"prism save\" and \"prism schedule create\" can also copy the AMI to other Regions: --copy-to REGION, which can be
repeated. There, --region means the same as --copy-to, and the Region of the instance is named by --from-region.
\"prism template copy\" copies a version later: --copy-to REGION.

\"prism region list\" shows the Regions of the account, and which of them the deployment allows.
",
    },
    Topic {
        name: "json",
        about: "results for programs: JSON, YAML, IDs and fields",
        text: "\
Every command that shows something takes --json. It prints one JSON object to stdout. docs/json/ has a schema for each
command; the objects in it are those of the HTTP API. Times are RFC 3339 in UTC, money is a number of USD, and sizes are
numbers with the unit in the name (snapshot_bytes, size_gib). Fields may be added; none are removed or change their meaning.

An error is one line of JSON, the last one on stderr: code, message and hint. docs/errors.md lists the codes. That is so for
errors in the arguments (InvalidArguments) and for interrupts (Interrupted) too. The exit codes are in
\"prism help exit-codes\".

--format chooses another form:
  table        text for people, the default
  json         the same as --json
  yaml         the same object as YAML
  ids          what identifies each result, one per line: prism stop $(prism list --format ids)
  name,state   these fields of each result, separated by tabs; a dot leads into an object, such as plan.usd_per_hour

A field that does not exist is refused by commands that only read. Those that change something have changed it by then: they
leave the field empty, and warn on stderr.
",
    },
    Topic {
        name: "exit-codes",
        about: "what the exit code of a command says",
        text: "\
The exit code of a command says how it ended:
  0    the command succeeded
  1    the request was refused, or it failed
  2    the arguments are not valid; nothing was read or changed
  130  a signal ended the command; a save that it waited for continues

\"prism exec\", \"prism connect\", \"prism cp\" and \"prism open\" return the exit code of the command that they run.
",
    },
    Topic {
        name: "profiles",
        about: "which deployment a command uses",
        text: "\
A profile names a deployment: the API of one on AWS, AWS itself, or an embedded cloud in a folder. \"prism configure\"
writes profiles to ~/.config/prism/config.toml (or $PRISM_CONFIG). A command uses the profile of --profile, of
$PRISM_PROFILE, or the default one in the file. Without any, it uses the embedded cloud.

The folder of an embedded cloud is that of --home; else that of a profile that --profile names; else $PRISM_HOME, that
of the profile, or ~/.local/share/prism.

--as USER acts as another user of an embedded cloud, to try what colleagues see. On AWS, the credentials say who you are.
",
    },
    Topic {
        name: "environment",
        about: "the environment variables that are read",
        text: "\
These variables are read:
  PRISM_PROFILE     the profile, if --profile names none
  PRISM_CONFIG      the file of the profiles
  PRISM_HOME        the folder of the embedded cloud, if neither --home nor --profile names one
  PRISM_REGION      the default Region, before AWS_REGION
  PRISM_TOKEN_FILE  the file of the token for an API
  NO_COLOR          no colour, with any value
",
    },
    Topic {
        name: "sharing",
        about: "who can see and launch a template, and how to change that",
        text: "\
A new template is visible to you only, or to the members of its project. Everyone who can launch it can read everything on
its disks.

  prism template share NAME                     with your colleagues: the members of its project or, without one, everyone
                                                in this deployment
  prism template share NAME --user bob          with one user, or with several (--user bob,carol)
  prism template share NAME --project PROJECT   with the members of a project
  prism template share NAME --account ID        with another AWS account
  prism template share NAME --public            with everyone; the deployment's settings say who that is
  prism template shares NAME                    list the shares
  prism template unshare NAME --user bob        end one
  prism save INSTANCE NAME --public             share from the first version on
",
    },
    Topic {
        name: "completions",
        about: "how a shell completes commands and names",
        text: "\
Install the script for your shell:
  bash   prism completions bash > ~/.local/share/bash-completion/completions/prism
  zsh    prism completions zsh > ~/.zfunc/_prism      (with ~/.zfunc in $fpath)
  fish   prism completions fish > ~/.config/fish/completions/prism.fish

The shell then asks prism what can follow: also the names of your instances, templates, projects, schedules, saves and Regions.
",
    },
];
