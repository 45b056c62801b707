/* to be written */
typedef int synthetic_c_is_empty;
