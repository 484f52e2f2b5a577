"""Other people's clients and servers, the real ones, for the tests of interoperation and the benches."""
