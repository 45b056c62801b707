/* to be written */
typedef int tally_c_is_empty;
