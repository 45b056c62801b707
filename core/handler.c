/* to be written */
typedef int handler_c_is_empty;
