//! Checks expressions for what AWS refuses at load time.

use std::collections::BTreeSet;

use jlens_core::ast::{Ast, Attrs, FallbackOp, Node, NodeKind, Stage};

/// Which parts of `$states` a field may read besides `input` and `context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    /// None: fields that are evaluated before the state has done its work.
    Input,
    /// `$states.result`: Output and Assign of a Task, a Parallel and a Map.
    Result,
    /// `$states.errorOutput`: Output and Assign of a catcher.
    ErrorOutput,
}

/// The maximum nesting of brackets. AWS limits the depth of the evaluation to 100; this limit is checked before
/// parsing, so that the text alone cannot exhaust the stack.
const MAX_BRACKETS: usize = 100;

/// The maximum depth of a syntax tree. Left-associative chains (`a & b & c …`) nest without brackets.
const MAX_DEPTH: usize = 400;

/// The maximum length of an expression. AWS limits it only by the size of the definition, but a chain of operators of
/// that length could produce a tree of any depth.
const MAX_LENGTH_BYTES: usize = 32 * 1024;

/// Refuses texts whose syntax tree could be too deep to build.
pub(super) fn depth(source: &str) -> Result<(), String> {
    if source.len() > MAX_LENGTH_BYTES {
        return Err(format!(
            "the expression is longer than {MAX_LENGTH_BYTES} bytes"
        ));
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > MAX_BRACKETS {
        return Err(format!(
            "the expression nests more than {MAX_BRACKETS} brackets"
        ));
    }
    Ok(())
}

#[derive(Default)]
pub(super) struct Found {
    pub(super) names: BTreeSet<String>,
    /// Whether the expression contains a regular expression.
    pub(super) matches: bool,
}

pub(super) fn check(ast: &Ast, sees: Sees) -> Result<Found, String> {
    let mut walk = Walk {
        sees,
        found: Found::default(),
        depth: 0,
    };
    walk.node(&ast.root, true)?;
    Ok(walk.found)
}

struct Walk {
    sees: Sees,
    found: Found,
    depth: usize,
}

impl Walk {
    /// `top` means that the context is that of the whole expression, which does not exist in Step Functions.
    fn node(&mut self, node: &Node, top: bool) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the expression nests too deep".to_owned());
        }
        self.kind(&node.kind, top)?;
        self.attrs(&node.attrs)?;
        self.depth -= 1;
        Ok(())
    }

    fn kind(&mut self, kind: &NodeKind, top: bool) -> Result<(), String> {
        match kind {
            NodeKind::Path { steps, .. } => self.path(steps, top),
            NodeKind::Name { name } if top => Err(format!(
                "reference to '{name}' at the top level is not supported"
            )),
            NodeKind::Wildcard | NodeKind::Descendant | NodeKind::Parent { .. } if top => {
                Err("'*', '**' and '%' at the top level are not supported".to_owned())
            }
            NodeKind::Variable { name } => self.variable(name, top),
            NodeKind::Fallback { op, .. } => Err(format!(
                "the operator '{}' is not part of JSONata 2.0.6",
                match op {
                    FallbackOp::Default => "?:",
                    FallbackOp::Coalesce => "??",
                }
            )),
            NodeKind::Binary { lhs, rhs, .. } | NodeKind::Apply { lhs, rhs } => {
                self.node(lhs, top)?;
                self.node(rhs, top)
            }
            NodeKind::Bind { lhs, rhs } => match &lhs.kind {
                NodeKind::Variable { name } if name == "states" => {
                    Err("'$states' cannot be assigned".to_owned())
                }
                _ => self.node(rhs, top),
            },
            NodeKind::Negate { expr } => self.node(expr, top),
            NodeKind::Array { items } | NodeKind::Block { exprs: items, .. } => {
                self.nodes(items, top)
            }
            NodeKind::Object { pairs } => self.pairs(pairs, top),
            NodeKind::Condition {
                condition,
                then,
                otherwise,
            } => {
                self.node(condition, top)?;
                self.node(then, top)?;
                otherwise
                    .as_ref()
                    .map_or(Ok(()), |node| self.node(node, top))
            }
            NodeKind::Function { procedure, args } | NodeKind::Partial { procedure, args } => {
                self.node(procedure, top)?;
                self.nodes(args, top)
            }
            // A function body keeps the context of the expression that defines it.
            NodeKind::Lambda(lambda) => self.node(&lambda.body, top),
            NodeKind::Transform(transform) => {
                self.node(&transform.pattern, false)?;
                self.node(&transform.update, false)?;
                transform
                    .delete
                    .as_ref()
                    .map_or(Ok(()), |node| self.node(node, false))
            }
            NodeKind::Sort { terms } => terms
                .iter()
                .try_for_each(|term| self.node(&term.expr, false)),
            NodeKind::Regex { .. } => {
                self.found.matches = true;
                Ok(())
            }
            NodeKind::Error { error } => Err(error.message()),
            _ => Ok(()),
        }
    }

    /// Only the first step of a path is read in the context of the path itself.
    fn path(&mut self, steps: &[Node], top: bool) -> Result<(), String> {
        if let [first, rest @ ..] = steps {
            if matches!(&first.kind, NodeKind::Variable { name } if name == "states") {
                self.states(rest.first())?;
            }
            self.node(first, top)?;
            self.nodes(rest, false)?;
        }
        Ok(())
    }

    fn states(&self, part: Option<&Node>) -> Result<(), String> {
        let Some(NodeKind::Name { name }) = part.map(|node| &node.kind) else {
            return Ok(());
        };
        match (name.as_str(), self.sees) {
            ("input" | "context", _)
            | ("result", Sees::Result)
            | ("errorOutput", Sees::ErrorOutput) => Ok(()),
            ("result" | "errorOutput", _) => {
                Err(format!("'$states.{name}' is not available in this field"))
            }
            _ => Err(format!("'$states.{name}' does not exist")),
        }
    }

    fn variable(&mut self, name: &str, top: bool) -> Result<(), String> {
        match name {
            "" if top => Err("reference to '$' at the top level is not supported".to_owned()),
            "$" => Err("reference to '$$' is not supported".to_owned()),
            "eval" => Err("'$eval' is not available; use '$parse'".to_owned()),
            name => {
                self.found.names.insert(name.to_owned());
                Ok(())
            }
        }
    }

    fn nodes(&mut self, nodes: &[Node], top: bool) -> Result<(), String> {
        nodes.iter().try_for_each(|node| self.node(node, top))
    }

    fn pairs(&mut self, pairs: &[(Node, Node)], top: bool) -> Result<(), String> {
        pairs.iter().try_for_each(|(key, value)| {
            self.node(key, top)?;
            self.node(value, top)
        })
    }

    /// Predicates and groups are read in the context of the items that they apply to.
    fn attrs(&mut self, attrs: &Attrs) -> Result<(), String> {
        for stage in attrs.stages.iter().chain(&attrs.predicate) {
            if let Stage::Filter { expr, .. } = stage {
                self.node(expr, false)?;
            }
        }
        attrs
            .group
            .as_ref()
            .map_or(Ok(()), |group| self.pairs(&group.pairs, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonata::Expression;

    #[test]
    fn expressions_that_aws_refuses_are_refused() {
        let table = [
            ("phone", "reference to 'phone' at the top level"),
            ("phone.home", "reference to 'phone' at the top level"),
            (
                "$map($states.input.a, function($x){ b })",
                "reference to 'b'",
            ),
            ("$", "reference to '$' at the top level"),
            ("$.a", "reference to '$' at the top level"),
            ("$$.a", "reference to '$$'"),
            ("$states.input.a[$$.b]", "reference to '$$'"),
            ("*", "at the top level"),
            ("$eval('1')", "$eval"),
            ("$states.input.a ?: 1", "2.0.6"),
            ("$states.input.a ?? 1", "2.0.6"),
            ("$states.result", "not available"),
            ("$states.errorOutput.Error", "not available"),
            ("$states.inptu", "does not exist"),
            ("($states := 1; $states)", "cannot be assigned"),
            ("$states.input.a[1,2)", "invalid JSONata"),
            ("", "invalid JSONata"),
        ];
        for (source, expected) in table {
            let error = Expression::compile(source, Sees::Input).expect_err(source);
            assert!(error.contains(expected), "{source}: {error}");
        }
    }

    #[test]
    fn expressions_that_aws_accepts_are_accepted() {
        for source in [
            "$states.input.items[value > 3]",
            "$states.input.items[$.value > 3].{'a': b}",
            "$states.input.items^(>price).name",
            "$states.input.items{name: price}",
            "$map($states.input.items, function($x, $i){ $x.b & $i })",
            "($f := function($n){ $n < 2 ? 1 : $n * $f($n - 1) }; $f(5))",
            "$states",
            "$states.context.Execution.Id",
            "$states.input ~> |items|{'seen': true}, ['price']|",
        ] {
            Expression::compile(source, Sees::Input).expect(source);
        }
        Expression::compile("$states.result.Payload", Sees::Result).expect("seen here");
        Expression::compile("$states.errorOutput.Cause", Sees::ErrorOutput).expect("seen here");
    }

    #[test]
    fn texts_that_would_exhaust_the_stack_are_refused() {
        for source in [
            "(".repeat(100_000),
            "[".repeat(101) + &"]".repeat(101),
            "-".repeat(30_000) + "1",
            "1".to_owned() + &"+1".repeat(10_000),
            "a.".repeat(10_000) + "b",
            "$f := ".repeat(5_000) + "1",
            "1?".repeat(10_000) + "1",
            "function($x)".repeat(2_000),
        ] {
            Expression::compile(&source, Sees::Input).expect_err("refused");
        }
    }
}
