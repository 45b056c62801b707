/* to be written */
typedef int log_c_is_empty;
