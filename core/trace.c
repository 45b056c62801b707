/* to be written */
typedef int trace_c_is_empty;
