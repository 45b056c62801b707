/* to be written */
typedef int json_c_is_empty;
