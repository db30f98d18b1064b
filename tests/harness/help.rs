//! The subcommands of a program, from its own help texts.

/// Every command below `path`, groups included. `help` returns the help text of a path.
pub fn commands(path: &str, help: &dyn Fn(&str) -> String) -> Vec<String> {
    let text = help(path);
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names
        .flat_map(|name| {
            let path = format!("{path} {name}").trim().to_owned();
            let below = commands(&path, help);
            std::iter::once(path).chain(below)
        })
        .collect()
}
