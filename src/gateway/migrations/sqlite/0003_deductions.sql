-- Charges that a credit service has to deduct.

ALTER TABLE gateway_accounts ADD COLUMN deducted INTEGER NOT NULL DEFAULT 0; -- the sum that the service has confirmed
-- The encrypted name of the user at the service, until the charge is deducted. NULL if there is nothing to deduct.
ALTER TABLE gateway_requests ADD COLUMN payer BLOB;
ALTER TABLE gateway_requests ADD COLUMN deduct_at INTEGER NOT NULL DEFAULT 0; -- not before this time

CREATE INDEX gateway_requests_by_payer ON gateway_requests (account) WHERE payer IS NOT NULL;
CREATE INDEX gateway_requests_to_deduct ON gateway_requests (deduct_at, hold) WHERE payer IS NOT NULL;
