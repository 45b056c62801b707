typedef int wiring_c_is_empty;
