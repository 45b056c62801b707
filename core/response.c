/* to be written */
typedef int response_c_is_empty;
