//! The state machine as a Mermaid flowchart.
//!
//! Only states that do something are drawn: tasks, fan-outs and ends. Choices, passes and waits become labels of the
//! arrows that run through them. A task that is polled until it is done becomes one box that shows how often it is
//! polled, and whether an event can end the wait early. (An arrow to itself would show the same, but Mermaid places the
//! labels of such arrows over other elements.) Catchers are dashed. If most states share a catcher, a frame around them
//! has it once.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::labels;
use crate::Outcome;

/// The number of states from which a shared catcher is drawn as one arrow from a frame around them.
const SHARED: usize = 3;
/// The maximum number of consecutive choices, passes and waits; more means that they form a loop.
const PLUMBING: usize = 16;

type States = Map<String, Value>;

struct Arrow {
    to: String,
    label: Vec<String>,
}

pub(super) fn mermaid(definition: &Value) -> Outcome<String> {
    let mut picture = String::from("flowchart TB\n");
    Level::of(definition, "start")?.draw(&mut picture, "  ")?;
    Ok(picture)
}

/// The states of the machine itself, or those of a fan-out.
struct Level<'a> {
    states: &'a States,
    start: &'a str,
    dot: &'static str,
}

impl<'a> Level<'a> {
    fn of(machine: &'a Value, dot: &'static str) -> Outcome<Self> {
        let states = machine["States"]
            .as_object()
            .ok_or("a machine has no States")?;
        let start = machine["StartAt"]
            .as_str()
            .ok_or("a machine has no StartAt")?;
        Ok(Self { states, start, dot })
    }

    fn draw(&self, picture: &mut String, indent: &str) -> Outcome {
        let names = self.in_order()?;
        let frame = self.frame(&names);
        let is_framed = |name: &str| {
            frame
                .as_ref()
                .is_some_and(|frame| frame.members.contains(&name))
        };
        let _ = writeln!(picture, "{indent}{}(( ))", self.dot);
        if let Some(Frame { to, members }) = &frame {
            let _ = writeln!(picture, "{indent}subgraph to_{to} [\" \"]");
            for name in members {
                self.node(picture, &format!("{indent}  "), name)?;
            }
            let _ = writeln!(picture, "{indent}end");
        }
        for name in names.iter().filter(|name| !is_framed(name)) {
            self.node(picture, indent, name)?;
        }
        for arrow in self.arrows_to(self.start, Vec::new(), PLUMBING)? {
            draw_arrow(picture, indent, self.dot, &arrow);
        }
        for name in &names {
            for arrow in self.arrows_from(name)? {
                draw_arrow(picture, indent, name, &arrow);
            }
            let framed = frame.as_ref().filter(|_| is_framed(name));
            self.catchers(picture, indent, name, framed.map(|frame| frame.to));
        }
        if let Some(Frame { to, .. }) = &frame {
            let _ = writeln!(picture, "{indent}to_{to} -. any error .-> {to}");
        }
        Ok(())
    }

    /// The drawn states in the order in which they are reached: first all states of the successful path, the default
    /// branch before the others.
    fn in_order(&self) -> Outcome<Vec<&'a str>> {
        let mut names: Vec<&str> = Vec::new();
        let mut ahead: Vec<&str> =
            self.targets(self.arrows_to(self.start, Vec::new(), PLUMBING)?);
        let mut caught = Vec::new();
        while let Some(name) = ahead.pop().or_else(|| caught.pop()) {
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            ahead.extend(self.targets(self.arrows_from(name)?).into_iter().rev());
            caught.extend(catchers(&self.states[name]).into_iter().map(|(_, to)| to));
        }
        Ok(names)
    }

    fn targets(&self, arrows: Vec<Arrow>) -> Vec<&'a str> {
        let known = |arrow: Arrow| Some(self.states.get_key_value(&arrow.to)?.0.as_str());
        arrows.into_iter().filter_map(known).collect()
    }

    /// The frame around the states that share a catcher, if there are enough of them.
    fn frame(&self, names: &[&'a str]) -> Option<Frame<'a>> {
        let mut frames: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names {
            for (errors, to) in catchers(&self.states[*name]) {
                if errors == labels::ANY_ERROR {
                    frames.entry(to).or_default().push(name);
                }
            }
        }
        let (to, members) = frames
            .into_iter()
            .max_by_key(|(_, members)| members.len())?;
        (members.len() >= SHARED).then_some(Frame { to, members })
    }

    fn node(&self, picture: &mut String, indent: &str, name: &str) -> Outcome {
        let state = &self.states[name];
        match kind(state) {
            "Map" => {
                let title = labels::fan_out(name, state);
                let _ = writeln!(picture, "{indent}subgraph {name} [\"{title}\"]");
                let inner = Level::of(&state["ItemProcessor"], "each")?;
                inner.draw(picture, &format!("{indent}  "))?;
                let _ = writeln!(picture, "{indent}end");
            }
            "Succeed" | "Fail" => {
                let _ = writeln!(picture, "{indent}{name}([{name}])");
            }
            _ => {
                let poll = state["Next"]
                    .as_str()
                    .and_then(|next| self.poll(name, next));
                let _ = match poll {
                    Some(Poll { pace, .. }) => {
                        writeln!(picture, "{indent}{name}[\"{name}<br/>↻ {pace}\"]")
                    }
                    None => writeln!(picture, "{indent}{name}[{name}]"),
                };
            }
        }
        Ok(())
    }

    /// The arrows along which a state is left on success.
    fn arrows_from(&self, name: &str) -> Outcome<Vec<Arrow>> {
        let Some(next) = self.states[name]["Next"].as_str() else {
            return Ok(Vec::new());
        };
        match self.poll(name, next) {
            Some(poll) => self.leaving(name, poll.choice),
            None => self.arrows_to(next, Vec::new(), PLUMBING),
        }
    }

    /// The polling loop of a state, if the choice after it waits and polls again by default.
    fn poll(&self, name: &str, next: &str) -> Option<Poll<'a>> {
        let choice = self
            .states
            .get(next)
            .filter(|state| kind(state) == "Choice")?;
        let wait = self.states.get(choice["Default"].as_str()?)?;
        let again = kind(wait) == "Wait" && wait["Next"] == name;
        again.then(|| Poll {
            choice,
            pace: labels::pace(wait),
        })
    }

    /// The arrows that leave a loop. A wait for an event that leads back to the loop is not one of them.
    fn leaving(&self, name: &str, choice: &Value) -> Outcome<Vec<Arrow>> {
        let mut rules = rules(choice);
        rules.retain(|(_, next)| {
            let state = &self.states[*next];
            !(is_event_wait(state) && state["Next"] == name)
        });
        let only = rules.len() == 1;
        let mut arrows = Vec::new();
        for (condition, next) in rules {
            let label = labels::way_out(condition, only);
            arrows.extend(self.arrows_to(next, label.into_iter().collect(), PLUMBING)?);
        }
        Ok(otherwise(arrows))
    }

    /// The arrows to a state, or through it if it is not drawn.
    fn arrows_to(&self, name: &str, label: Vec<String>, left: usize) -> Outcome<Vec<Arrow>> {
        let state = self
            .states
            .get(name)
            .ok_or_else(|| format!("no state is named {name}"))?;
        if left == 0 {
            return Err(format!("{name} is in a loop in which nothing is done"));
        }
        let through = |more: Option<String>| label.iter().cloned().chain(more).collect::<Vec<_>>();
        match kind(state) {
            "Choice" => {
                let mut arrows = Vec::new();
                for (condition, next) in rules(state) {
                    let more = Some(labels::condition(condition));
                    arrows.extend(self.arrows_to(next, through(more), left - 1)?);
                }
                if let Some(next) = state["Default"].as_str() {
                    arrows.extend(self.arrows_to(next, through(None), left - 1)?);
                }
                Ok(otherwise(arrows))
            }
            "Pass" | "Wait" => {
                let wait = (kind(state) == "Wait").then(|| labels::wait(state));
                match state["Next"].as_str() {
                    Some(next) => self.arrows_to(next, through(wait), left - 1),
                    None => Ok(Vec::new()),
                }
            }
            _ => Ok(vec![Arrow {
                to: name.to_owned(),
                label,
            }]),
        }
    }

    /// The dashed arrows of a state, except for the one that its frame has.
    fn catchers(&self, picture: &mut String, indent: &str, name: &str, framed: Option<&str>) {
        let state = &self.states[name];
        for (errors, to) in catchers(state) {
            let drawn = self.states.get(to).is_some_and(is_drawn);
            if drawn && Some(to) != framed && state["Next"] != to {
                let _ = writeln!(picture, "{indent}{name} -. {errors} .-> {to}");
            }
        }
    }
}

/// States that go to the same state on any error.
struct Frame<'a> {
    to: &'a str,
    members: Vec<&'a str>,
}

struct Poll<'a> {
    choice: &'a Value,
    pace: String,
}

/// Labels an arrow without a condition "otherwise" if arrows before it have conditions.
fn otherwise(mut arrows: Vec<Arrow>) -> Vec<Arrow> {
    let mut conditional = false;
    for arrow in &mut arrows {
        if arrow.label.is_empty() && conditional {
            arrow.label.push("otherwise".to_owned());
        }
        conditional |= !arrow.label.is_empty();
    }
    arrows
}

fn draw_arrow(picture: &mut String, indent: &str, from: &str, arrow: &Arrow) {
    let to = &arrow.to;
    let _ = match arrow.label.as_slice() {
        [] => writeln!(picture, "{indent}{from} --> {to}"),
        label => {
            let label = label.join(": ");
            writeln!(picture, "{indent}{from} -->|\"{label}\"| {to}")
        }
    };
}

fn kind(state: &Value) -> &str {
    state["Type"].as_str().unwrap_or_default()
}

fn is_drawn(state: &Value) -> bool {
    !matches!(kind(state), "Choice" | "Pass" | "Wait")
}

fn is_event_wait(state: &Value) -> bool {
    let resource = state["Resource"].as_str().unwrap_or_default();
    resource.ends_with(".waitForTaskToken")
}

fn rules(choice: &Value) -> Vec<(&str, &str)> {
    let rules = choice["Choices"].as_array().into_iter().flatten();
    rules
        .filter_map(|rule| Some((rule["Condition"].as_str()?, rule["Next"].as_str()?)))
        .collect()
}

fn catchers(state: &Value) -> Vec<(String, &str)> {
    let catchers = state["Catch"].as_array().into_iter().flatten();
    catchers
        .filter_map(|catcher| {
            let errors = catcher["ErrorEquals"].as_array()?.iter();
            Some((
                labels::errors(errors.filter_map(Value::as_str)),
                catcher["Next"].as_str()?,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn machine() -> Value {
        json!({
            "StartAt": "Enter",
            "States": {
                "Enter": {"Type": "Choice", "Default": "Ask",
                    "Choices": [{"Condition": "{% $exists($states.input.recover) %}", "Next": "Undo"}]},
                "Ask": {"Type": "Task", "Next": "IsDone",
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}]},
                "IsDone": {"Type": "Choice", "Default": "WaitABit", "Choices": [
                    {"Condition": "{% $done and $was_running %}", "Next": "Tell"},
                    {"Condition": "{% $done %}", "Next": "Each"},
                    {"Condition": "{% $asked > 3 %}", "Next": "Listen"}]},
                "Listen": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                    "Next": "Ask", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "WaitABit"}]},
                "WaitABit": {"Type": "Wait", "Comment": "2 s at a time.", "Seconds": 2, "Next": "Ask"},
                "Tell": {"Type": "Task", "Next": "Each",
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}]},
                "Each": {"Type": "Map", "MaxConcurrency": 10, "Next": "Shown",
                    "ItemProcessor": {"StartAt": "One", "States": {
                        "One": {"Type": "Task", "End": true}}},
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}]},
                "Shown": {"Type": "Pass", "Next": "Done"},
                "Done": {"Type": "Succeed"},
                "Undo": {"Type": "Task", "Next": "Failed",
                    "Catch": [{"ErrorEquals": ["Superseded"], "Next": "Done"},
                              {"ErrorEquals": ["States.ALL"], "Next": "Failed"}]},
                "Failed": {"Type": "Fail"}
            }
        })
    }

    #[test]
    fn only_states_that_do_something_are_drawn() {
        insta::assert_snapshot!(mermaid(&machine()).unwrap(), @r#"
        flowchart TB
          start(( ))
          subgraph to_Undo [" "]
            Ask["Ask<br/>↻ every 2 s at a time"]
            Tell[Tell]
            subgraph Each ["Each: 10 items at once"]
              each(( ))
              One[One]
              each --> One
            end
          end
          Done([Done])
          Undo[Undo]
          Failed([Failed])
          start -->|"recover"| Undo
          start -->|"otherwise"| Ask
          Ask -->|"was running"| Tell
          Ask -->|"otherwise"| Each
          Tell --> Each
          Each --> Done
          Undo --> Failed
          Undo -. Superseded .-> Done
          to_Undo -. any error .-> Undo
        "#);
    }

    #[test]
    fn an_empty_loop_is_found() {
        let endless = json!({"StartAt": "A", "States": {
            "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}});
        assert!(mermaid(&endless).unwrap_err().contains("loop"));
    }
}
