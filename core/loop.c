/* to be written */
typedef int loop_c_is_empty;
