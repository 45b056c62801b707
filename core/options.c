/* to be written */
typedef int options_c_is_empty;
