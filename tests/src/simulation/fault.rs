//! The faults, and where they can happen: a fault happens to the n-th call of a port that a function makes.

use std::fmt;
use std::str::FromStr;

use prism_functions::domain::StepName;
use prism_functions::ports::Call;
use prism_functions::steps;

macro_rules! kinds {
    ($($(#[doc = $means:literal])+ $variant:ident = $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $means])+ $variant,)*
        }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// The service fails, and does nothing.
    Fails = "fails",
    /// The service carries out the call, and then fails.
    FailsAfter = "fails-after",
    /// The service carries out the call, but no response arrives.
    Lost = "lost",
    /// No response arrives, and the service carries out the call 20 seconds later.
    Late = "late",
    /// The service refuses for a permanent reason.
    Refused = "refused",
    /// The permission for this call is missing.
    Denied = "denied",
    /// The credentials of this call have expired.
    Expired = "expired",
    /// A quota is exceeded for this call, or too many copies are under way.
    Full = "full",
    /// EC2 refuses this start with an unknown error code.
    Odd = "odd",
    /// Nothing happens, and no response arrives until the function times out.
    Hangs = "hangs",
    /// The call is carried out, but no response arrives until the function times out.
    HangsAfter = "hangs-after",
    /// The call takes 20 seconds.
    Slow = "slow",
    /// The function's process dies before the call; at the site of its start, before it runs.
    Crash = "crash",
    /// The function's process dies after the call.
    CrashAfter = "crash-after",
    /// This call is throttled.
    Throttle1 = "throttle-1",
    /// This call and the next nine of its kind are throttled.
    Throttle10 = "throttle-10",
    /// This call and the next 99 of its kind are throttled.
    Throttle100 = "throttle-100",
    /// The execution is stopped; the function under way continues to its end.
    Abort = "abort",
    /// The same once the call has had its effect.
    AbortAfter = "abort-after",
    /// The execution is stopped, and the event arrives at once. The call has its effect 20 seconds later, when the
    /// recovery is at work.
    Zombie = "zombie",
    /// The execution times out.
    TimeUp = "time-up",
    /// The same once the call has had its effect.
    TimeUpAfter = "time-up-after",
    /// The process that carries all executions dies, with everything in it.
    Death = "death",
    /// The same once the call has had its effect.
    DeathAfter = "death-after",
    /// The function's clock jumps four minutes ahead; from the site of its start, it is wrong all the time.
    Ahead = "clock-ahead",
    /// The function's clock jumps four minutes back.
    Behind = "clock-behind",
    /// EC2 returns the state before its last change, if that was at most 20 seconds ago.
    Stale = "stale",
    /// The function runs, and Lambda cannot say how it ended.
    Unknown = "unknown",
    /// The function runs, and Step Functions receives no result.
    Mute = "mute",
    /// Another user stops the instance.
    TheyStop = "they-stop",
    /// Another user starts the instance.
    TheyStart = "they-start",
    /// Another user terminates the instance.
    TheyTerminate = "they-terminate",
    /// Another user deregisters the AMI and its copies.
    TheyDeregister = "they-deregister",
    /// Another user deletes the snapshots that EC2 allows to be deleted.
    TheyDelete = "they-delete",
    /// Another user disables the KMS key of the volumes, and enables it 20 minutes later.
    TheyDisableKey = "they-disable-key",
    /// Another user turns on encryption by default in all Regions.
    TheyEncrypt = "they-encrypt",
    /// Another user detaches a volume of the instance that is not its root.
    TheyDetach = "they-detach",
    /// Another user attaches a further volume to the instance.
    TheyAttach = "they-attach",
    /// Another user protects the AMI and its copies against deregistration.
    TheyProtect = "they-protect",
    /// The owner cancels the save.
    Cancel = "cancel",
    /// The process hands the save over to another one.
    HandOver = "hand-over",
    /// The owner requests the same save again, with the same request ID.
    Again = "again",
    /// The owner requests another save of the same instance.
    Rival = "rival",
    /// The owner shares the template with another account.
    Share = "share",
    /// The owner revokes the share that the template had at the beginning.
    Unshare = "unshare",
    /// Another sweep runs at the same time.
    Sweep = "sweep",
    /// Other saves take the next ten turns.
    TheyQueue = "they-queue",
    /// Events of the instance and of the AMI arrive that carry no news: too early, twice, or caused by others.
    Event = "event",
}

/// AWS refuses requests that are signed by a clock that is wrong by five minutes.
const SKEW_S: i64 = 240;

impl Kind {
    /// The kinds that are played at each point, in pairs and at random. Wrong clocks are played where a test or a command
    /// names them.
    pub fn everywhere() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|kind| kind.skew_s().is_none())
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    pub fn throttled(self) -> Option<u32> {
        match self {
            Kind::Throttle1 => Some(1),
            Kind::Throttle10 => Some(10),
            Kind::Throttle100 => Some(100),
            _ => None,
        }
    }

    /// By how many seconds the clock of the function is wrong from now on.
    pub fn skew_s(self) -> Option<i64> {
        match self {
            Kind::Ahead => Some(SKEW_S),
            Kind::Behind => Some(-SKEW_S),
            _ => None,
        }
    }

    /// Whether it is an action from outside, rather than a failure.
    pub fn is_act(self) -> bool {
        matches!(
            self,
            Kind::TheyStop
                | Kind::TheyStart
                | Kind::TheyTerminate
                | Kind::TheyDeregister
                | Kind::TheyDelete
                | Kind::TheyDisableKey
                | Kind::TheyEncrypt
                | Kind::TheyDetach
                | Kind::TheyAttach
                | Kind::TheyProtect
                | Kind::Cancel
                | Kind::HandOver
                | Kind::Again
                | Kind::Rival
                | Kind::Share
                | Kind::Unshare
                | Kind::Sweep
                | Kind::TheyQueue
                | Kind::Event
        )
    }

    pub fn ends_execution(self) -> bool {
        matches!(
            self,
            Kind::Abort
                | Kind::AbortAfter
                | Kind::Zombie
                | Kind::TimeUp
                | Kind::TimeUpAfter
                | Kind::Death
                | Kind::DeathAfter
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    Begin,
    Call(Call),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    pub function: &'static str,
    pub spot: Spot,
}

/// The n-th visit of a site in a run, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    pub site: Site,
    pub nth: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    pub point: Point,
    pub kind: Kind,
}

pub(super) fn changes(call: Call) -> bool {
    matches!(
        call,
        Call::StopInstance
            | Call::StartInstance
            | Call::RenameInstance
            | Call::ResizeInstance
            | Call::TerminateInstance
            | Call::RunInstance
            | Call::CreateImage
            | Call::CopyImage
            | Call::DeregisterImage
            | Call::DeleteSnapshot
            | Call::AddLaunchPermissions
            | Call::RemoveLaunchPermissions
            | Call::Put
            | Call::Update
            | Call::Delete
            | Call::Check
            | Call::Notice
            | Call::Alarm
            | Call::StartExecution
            | Call::EndWait
            | Call::StopExecution
    )
}

/// Whether a call goes to EC2 or a related service, where each call needs a permission of its own.
fn is_of_ec2(call: Call) -> bool {
    call.actions().iter().any(|action| {
        action.starts_with("ec2:") || action.starts_with("ssm:") || action.starts_with("kms:")
    }) && call != Call::Alarm
}

/// Whether a call reads or writes an item of the table.
fn reads_or_writes(call: Call) -> bool {
    matches!(
        call,
        Call::Get | Call::Put | Call::Update | Call::Delete | Call::Check
    )
}

impl Site {
    pub fn takes(self, kind: Kind) -> bool {
        let of_step = steps::find(self.function).is_some();
        match self.spot {
            Spot::Begin => {
                of_step
                    && matches!(
                        kind,
                        Kind::Fails
                            | Kind::Crash
                            | Kind::Throttle1
                            | Kind::Throttle10
                            | Kind::Throttle100
                            | Kind::Ahead
                            | Kind::Behind
                    )
            }
            Spot::End => of_step && matches!(kind, Kind::Unknown | Kind::Mute | Kind::CrashAfter),
            // The order of turns does not affect a save that has begun.
            Spot::Call(_) if kind == Kind::TheyQueue => *self.function == StepName::PlanSave,
            // No other step waits for events.
            Spot::Call(_) if kind == Kind::Event => *self.function == StepName::AwaitEvent,
            // The shares of a template do not affect other steps.
            Spot::Call(_) if matches!(kind, Kind::Share | Kind::Unshare) => {
                *self.function == StepName::RegisterTemplate || *self.function == StepName::Stranded
            }
            Spot::Call(call) => takes(call, of_step, kind),
        }
    }

    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        let all = Kind::everywhere();
        all.filter(move |kind| self.takes(*kind))
    }
}

fn takes(call: Call, of_step: bool, kind: Kind) -> bool {
    match kind {
        Kind::Fails
        | Kind::Lost
        | Kind::Refused
        | Kind::Hangs
        | Kind::Slow
        | Kind::Crash
        | Kind::Death => true,
        Kind::FailsAfter | Kind::HangsAfter | Kind::CrashAfter | Kind::Late | Kind::DeathAfter => {
            changes(call)
        }
        Kind::Throttle1 | Kind::Throttle10 | Kind::Throttle100 => {
            is_of_ec2(call) || reads_or_writes(call)
        }
        // Turns, looks and locks are in the table.
        Kind::Ahead | Kind::Behind => of_step && reads_or_writes(call),
        Kind::Denied | Kind::Expired => is_of_ec2(call),
        Kind::Full => matches!(
            call,
            Call::StartInstance | Call::RunInstance | Call::CopyImage
        ),
        Kind::Odd => call == Call::StartInstance,
        Kind::Stale => matches!(call, Call::Instances | Call::Images | Call::Snapshots),
        Kind::Abort | Kind::TimeUp => of_step,
        Kind::AbortAfter | Kind::TimeUpAfter | Kind::Zombie => of_step && changes(call),
        Kind::Unknown | Kind::Mute => false,
        _ => kind.is_act(),
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spot::Begin => f.write_str("begin"),
            Spot::End => f.write_str("end"),
            Spot::Call(call) => write!(f, "{call:?}"),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { function, spot } = self.site;
        write!(f, "{function}.{spot}#{}", self.nth)
    }
}

/// For example `AwaitStopped.Instances#3=stale`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.point, self.kind.name())
    }
}

pub(super) fn function(name: &str) -> Option<&'static str> {
    let others = ["Sweep", "Ends", "Wake", "Api"];
    let step = steps::find(name).map(|step| step.name);
    step.or_else(|| others.into_iter().find(|other| *other == name))
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not a fault: write it as Function.Call#n=kind");
        let (point, kind) = text.split_once('=').ok_or_else(wrong)?;
        let (site, nth) = point.split_once('#').ok_or_else(wrong)?;
        let (name, spot) = site.split_once('.').ok_or_else(wrong)?;
        let spot = match spot {
            "begin" => Spot::Begin,
            "end" => Spot::End,
            call => {
                let mut all = Call::ALL.iter();
                Spot::Call(*all.find(|c| format!("{c:?}") == call).ok_or_else(wrong)?)
            }
        };
        Ok(Fault {
            point: Point {
                site: Site {
                    function: function(name).ok_or_else(wrong)?,
                    spot,
                },
                nth: nth.parse().map_err(|_| wrong())?,
            },
            kind: Kind::named(kind).ok_or_else(wrong)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        for step in steps::ALL {
            let calls = step.calls.iter().map(|call| Spot::Call(*call));
            for spot in calls.chain([Spot::Begin, Spot::End]) {
                let site = Site {
                    function: step.name,
                    spot,
                };
                for kind in site.kinds() {
                    let point = Point { site, nth: 7 };
                    let fault = Fault { point, kind };
                    assert_eq!(fault.to_string().parse(), Ok(fault));
                }
            }
        }
        assert!("AwaitStopped.Instances#x=stale".parse::<Fault>().is_err());
        assert!("Nobody.Instances#1=stale".parse::<Fault>().is_err());
    }
}
