-- Patients are found by their birth date, too.
UPDATE patient SET search_text = search_text || ' ' || birth_date;
