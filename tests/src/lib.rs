//! Black-box tests of the whole product, and tidy tests.
