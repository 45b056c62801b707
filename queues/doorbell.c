typedef int doorbell_c_is_empty;
