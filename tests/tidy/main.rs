//! What a machine can hold of the house rules: who depends on whom, how files are named, which pages agree.
